from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from facevlm.agent import Agent, Answer
from facevlm.config import asset_dir
from facevlm.errors import ModelError
from facevlm.models import Piece
from facevlm.types import EMOTIONS, Generation

CLAIM = {"au": 12, "intensity": "D", "side": "both", "evidence": "the lip corners are drawn up"}
EXPLAINED = {"observations": [CLAIM], "interpretation": "Typical of happiness.", "emotion": "happiness"}
SURE = {emotion: 0.9 if emotion == "happiness" else 0.1 / 7 for emotion in EMOTIONS}


class ScriptedModel:
    """Reads every face as happiness, and answers every question with the same words, or fails."""

    name, adapter, asks, crop_size = "scripted", None, "face", 64

    def __init__(self, words: str = "", error: ModelError | None = None) -> None:
        self.words = words
        self.error = error
        self.questions: list[str] = []

    def generate(self, conversations, *, temperature=0.0, seed=None):
        return [self.error or Generation(json.dumps(EXPLAINED), SURE) for _ in conversations]

    async def pieces(self, conversations, sampling=None):
        (asked,) = conversations
        self.questions.append(asked.turns[-1].text)
        for letter in self.words:
            yield Piece(0, letter)
        yield Piece(0, answer=self.error or Generation(json.dumps({"answer": self.words})))


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Renders whose action units are known."""
    return asset_dir("evals") / "suites" / "conversation"


@pytest.fixture
def glad(pictures: Path) -> Path:
    """One face with AU 6 and AU 12."""
    return pictures / "glad.jpg"


@pytest.fixture
def two(pictures: Path) -> Path:
    """Face 1 on the left smiles, face 2 on the right raises the upper lip."""
    return pictures / "two-glad.jpg"


Talk = Callable[..., Answer]


def talk(agent: Agent) -> Talk:
    """Asks in one conversation, and gives whole answers."""
    conversation = agent.start()

    def ask(text: str, *images: Path | bytes) -> Answer:
        *_, answer = agent.ask(conversation, text, images)
        assert isinstance(answer, Answer)
        return answer

    return ask


@pytest.fixture
def ask() -> Talk:
    return talk(Agent(ScriptedModel()))
