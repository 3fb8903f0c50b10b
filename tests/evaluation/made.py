"""Rows, figures and a suite made for tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from facevlm.evaluation.rows import FaceTruth, Row, Truth
from facevlm.evaluation.run import Counts, DataSet, Lost, Run
from facevlm.evaluation.scores import Score
from facevlm.evaluation.suite import Condition, Suite
from facevlm.types import (
    EMOTIONS,
    Analysis,
    Box,
    Check,
    Emotion,
    Explanation,
    FaceAnalysis,
    ImageInfo,
    Observation,
    Pose,
    Provenance,
    Quality,
    Verdict,
)

Claims = Sequence[tuple[int, Verdict]]

HEADING = "as given"


def face(
    emotion: Emotion | None, sure: float = 0.8, claims: Claims = (), words: str = "It shows.", **fields: Any
) -> FaceAnalysis:
    """A face that is told of, its claims on a `side` or on both; None is an answer that cannot be read."""
    side = fields.pop("side", "both")
    probabilities = dict.fromkeys(EMOTIONS, (1 - sure) / 7) | ({emotion: sure} if emotion else {})
    told = Explanation(
        observations=tuple(Observation(au=au, name="lip corner puller", intensity="C", side=side) for au, _ in claims),
        interpretation=words,
        emotion=emotion or "neutral",
        probabilities=probabilities,
    )
    known: dict[str, Any] = {
        "id": 1, "box": Box(x=0, y=0, width=10, height=10), "score": 1, "pose": Pose(yaw=0, pitch=0, roll=0),
        "quality": Quality(score=1), "action_units": {}, "action_unit_sides": {},
        "explanation": told if emotion else None,
        "checks": tuple(Check(au=au, claimed="C", side="both", measured=0.5, verdict=each) for au, each in claims),
        "faithfulness": None, "coverage": None, "error": None if emotion else "the answer cannot be read",
    }  # fmt: skip
    return FaceAnalysis(**known | fields)


def checked(*codes: int) -> Claims:
    """Claims that measurement supports, but that of AU 4."""
    return [(code, "contradicted" if code == 4 else "supported") for code in codes]


def row(name: str | int, truth: Emotion | FaceTruth | Truth, *told: FaceAnalysis | None, **fields: Any) -> Row:
    """A row: what is true, and the faces that are told of, None for one that was not found."""
    one = FaceTruth(emotion=truth) if isinstance(truth, str) else truth
    answer = Analysis(
        image=ImageInfo(source=str(name), width=10, height=10, sha256="0" * 64),
        faces=tuple(each for each in told if each),
        provenance=Provenance(facevlm="0", model="made", adapter=None, prompt="p@1", seconds=0.1),
    )
    known = one if isinstance(one, Truth) else Truth(faces=(one,))
    given = {"id": str(name), "condition": HEADING, "truth": known, "answer": answer, "seconds": 0.1}
    return Row(**given | fields)


def run(**fields: Any) -> Run:
    """What a run was."""
    lost = (Lost(id="secret.png", reason="not a picture"),)
    data = DataSet(name="made set", place="/somewhere/else/made", split="valid", sha256="ab" * 32)
    known: dict[str, Any] = {
        "suite": SUITE, "data": data, "model": "nano", "prompts": {"p": "p@1"}, "tables": "0" * 64,
        "command": "facevlm eval run made --data made", "started": datetime(2026, 11, 21),
        "ended": datetime(2026, 11, 21), "seconds": 3.0,
        "counts": Counts(samples=7, asked=6, done=6, unparsable=1, lost=lost),
    }  # fmt: skip
    return Run(**known | fields)


SUITE = Suite(
    name="made",
    title="Made emotions",
    task="emotion",
    emotions=("happiness", "sadness", "fear"),
    conditions=(Condition(name=HEADING), Condition(name="blurred", of=HEADING)),
    thresholds={"accuracy": 0.8},
)
SCORES = (
    Score(metric="accuracy", value=0.5, low=0.1, high=0.9, n=6, condition=HEADING),
    Score(metric="accuracy", value=0.25, low=0.0, high=0.6, n=6, condition="blurred"),
    Score(metric="F1", value=0.75, low=0.5, high=1.0, n=6, condition=HEADING, of="happiness"),
    Score(metric="AU F1", value=0.4, low=0.2, high=0.6, n=6, condition=HEADING, of="AU 12"),
    Score(metric="AU F1", value=None, n=6, condition=HEADING, of="AU 2", note="no positives"),
    Score(metric="accuracy", value=1.0, low=0.4, high=1.0, n=2, condition=HEADING, group={"light": "dim"}),
)
