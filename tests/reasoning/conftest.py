from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image
from skimage import data

from facevlm.errors import FaceVLMError
from facevlm.types import (
    EMOTIONS,
    ActionUnit,
    Box,
    Conversation,
    Emotion,
    Face,
    Generation,
    Landmarks,
    Observation,
    Pose,
    Quality,
)

CLAIM = {"au": 12, "intensity": "D", "side": "both", "evidence": "the lip corners are drawn up"}
ANSWER = {"observations": [CLAIM], "interpretation": "Typical of happiness.", "emotion": "happiness"}


def distribution(**chances: float) -> dict[Emotion, float]:
    return {emotion: chances.get(emotion, 0.0) for emotion in EMOTIONS}


class ScriptedModel:
    """A model that gives the same answers to everyone: about each face, or about all that a scene prompt lists."""

    adapter = None
    crop_size = 64

    def __init__(self, asks: Literal["scene", "face"] = "face", *answers: Any) -> None:
        self.name = "scripted"
        self.asks = asks
        self.answers = answers
        self.calls: list[Sequence[Conversation]] = []

    def generate(self, conversations, *, temperature=0.0, seed=None):
        self.calls.append(conversations)
        return [self._answer(index, conversation) for index, conversation in enumerate(conversations)]

    async def agenerate(self, conversations, *, temperature=0.0, seed=None):
        return self.generate(conversations)

    def _answer(self, index: int, conversation: Conversation) -> Generation | FaceVLMError:
        given = self.answers[index % len(self.answers)] if self.answers else self._usual(conversation)
        if isinstance(given, str | dict):
            return Generation(given if isinstance(given, str) else json.dumps(given))
        return given

    def _usual(self, conversation: Conversation) -> Generation:
        sure = distribution(happiness=0.9, neutral=0.1)
        if self.asks == "face":
            return Generation(json.dumps(ANSWER), sure)
        ids = conversation.answer_schema["properties"]["faces"]["items"]["properties"]["id"]["enum"]
        answer = {"faces": [{"id": face_id, "context": "a studio", **ANSWER} for face_id in ids]}
        return Generation(json.dumps(answer), sure, commitments=(sure,) * len(ids))


@pytest.fixture
def scripted() -> type[ScriptedModel]:
    return ScriptedModel


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    return data.astronaut()


@pytest.fixture(scope="session")
def two_faces(astronaut) -> np.ndarray:
    """The same photograph twice side by side, the second time smaller."""
    canvas = Image.new("RGB", (960, 512), "grey")
    picture = Image.fromarray(astronaut)
    canvas.paste(picture, (0, 0))
    canvas.paste(picture.resize((430, 430)), (520, 40))
    return np.asarray(canvas)


@pytest.fixture
def face() -> Face:
    """A face on which AU12 is strong on both sides, AU1 on the left alone, AU4 absent and AU14 not measurable."""
    units = {
        1: ActionUnit(code=1, value=0.4, left=0.6, right=0.2),
        2: ActionUnit(code=2, value=0.5, left=0.5, right=None),
        4: ActionUnit(code=4, value=0.0, left=0.0, right=0.0),
        12: ActionUnit(code=12, value=0.7, left=0.72, right=0.68),
        14: ActionUnit(code=14, value=None),
        25: ActionUnit(code=25, value=0.5),
    }
    return Face(
        id=1,
        box=Box(x=10, y=20, width=30, height=40),
        score=0.9,
        landmarks=Landmarks(points=np.zeros((478, 3), np.float32)),
        pose=Pose(yaw=0, pitch=0, roll=0),
        quality=Quality(score=1),
        action_units=units,
    )


@pytest.fixture
def claim() -> Callable[..., Observation]:
    def make(au: int, side: str = "both", intensity: str = "C") -> Observation:
        return Observation(au=au, name=f"unit {au}", intensity=intensity, side=side)

    return make


@pytest.fixture
def answer() -> dict[str, Any]:
    """An answer about one face, as parsed JSON; a test may change it."""
    return json.loads(json.dumps(ANSWER))


@pytest.fixture
def one_line() -> Callable[[object], str]:
    def check(error: object) -> str:
        assert not re.search(r"[\r\n]", str(error))
        return str(error)

    return check
