"""Made analyses of faces, for what is read of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from facevlm.types import (
    AU_CODES,
    EMOTIONS,
    Box,
    Check,
    Emotion,
    Explanation,
    FaceAnalysis,
    Pose,
    Quality,
    Verdict,
)

Told = Callable[..., FaceAnalysis]


@pytest.fixture
def face() -> Told:
    """Makes the analysis of a face: what is concluded, how surely, and what came of its claims."""

    def make(
        emotion: Emotion = "happiness", sure: float = 0.9, claims: Sequence[tuple[int, Verdict]] = ()
    ) -> FaceAnalysis:
        given = dict.fromkeys(EMOTIONS, (1 - sure) / 7) | {emotion: sure}
        return FaceAnalysis(
            id=1,
            box=Box(x=0, y=0, width=10, height=10),
            score=1.0,
            pose=Pose(yaw=0, pitch=0, roll=0),
            quality=Quality(score=1.0),
            action_units=dict.fromkeys(AU_CODES, 0.0),
            action_unit_sides={},
            explanation=Explanation(observations=(), interpretation="", emotion=emotion, probabilities=given),
            checks=tuple(Check(au=au, claimed="C", side="both", measured=None, verdict=each) for au, each in claims),
            faithfulness=None,
            coverage=None,
        )

    return make
