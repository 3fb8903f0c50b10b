"""A model of a script, pictures of it and of the photograph that ships, and a run of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from PIL import Image

from facevlm.errors import FaceVLMError, ModelError
from facevlm.evaluation import session
from facevlm.evaluation import suite as suites
from facevlm.evaluation.questions import Questions, load
from facevlm.evaluation.suite import Suite
from facevlm.types import EMOTIONS, Conversation, Emotion, Generation

FACE = (165, 50, 285, 170)  # of scikit-image's astronaut


class Scripted:
    """A model of faces that says what it is told to, in turn, and counts what it is asked."""

    name, adapter, crop_size = "scripted", None, 64

    def __init__(self, *emotions: Emotion | str, asks: Literal["face", "scene"] = "face") -> None:
        self.asks = asks
        self.script: Sequence[str] = emotions or ("happiness",)
        self.asked = 0
        self.heard: list[str] = []
        self.failing = 0  # of the next questions

    def generate(
        self, conversations: Sequence[Conversation], *, temperature: float = 0.0, seed: int | None = None
    ) -> list[Generation | FaceVLMError]:
        return [self._answer(each) for each in conversations]

    async def agenerate(self, conversations: Sequence[Conversation], **how: Any) -> list[Generation | FaceVLMError]:
        return self.generate(conversations, **how)

    def _answer(self, conversation: Conversation) -> Generation | FaceVLMError:
        self.heard.append(conversation.turns[-1].text)
        self.asked += 1
        if self.failing:
            self.failing -= 1
            return ModelError("the model is gone; start it again")
        return written(self.script[(self.asked - 1) % len(self.script)])


def written(emotion: str) -> Generation:
    """An answer that sees a smile; what is no emotion is a text that cannot be read."""
    if emotion not in EMOTIONS:
        return Generation(emotion)
    smile = {"au": 12, "intensity": "D", "side": "both", "evidence": "the lip corners are drawn up"}
    told = {"observations": [smile], "interpretation": f"Typical of {emotion}.", "emotion": emotion}
    return Generation(json.dumps(told), {each: 0.86 if each == emotion else 0.02 for each in EMOTIONS})  # type: ignore[misc]


@pytest.fixture
def scripted() -> type[Scripted]:
    return Scripted


@pytest.fixture(scope="session")
def portrait(astronaut: Path) -> Image.Image:
    return Image.open(astronaut).convert("RGB").crop(FACE)


@pytest.fixture
def own(tmp_path: Path, portrait: Image.Image) -> Callable[..., Path]:
    """Writes JSON lines of one's own about copies of the photograph, each turned a little; other lines as they are."""

    def write(*rows: dict[str, Any] | str) -> Path:
        file = tmp_path / "faces.jsonl"
        lines = []
        for number, row in enumerate(rows):
            if isinstance(row, dict):
                name = f"{number}.png"
                if not (tmp_path / name).is_file():
                    portrait.rotate(number % 7).save(tmp_path / name)
                lines.append(json.dumps({"id": f"face-{number}", "image": name} | row))
            else:
                lines.append(row)
        file.write_text("\n".join(lines) + "\n")
        return file

    return write


@pytest.fixture
def suite() -> Suite:
    """Emotions of faces of one's own, with a few figures."""
    return Suite(
        name="made", title="made", task="emotion", data={"own": "test"}, metrics=("faces found", "accuracy", "recall")
    )


Begin = Callable[..., session.Session]


@pytest.fixture
def begin(tmp_path: Path) -> Begin:
    """Begins a run, or goes on with it."""

    def begun(suite: Suite, data: Path | Questions, model: Any, folder: str = "run", **asked: Any) -> session.Session:
        questions = load(suite, data) if isinstance(data, Path) else data
        return session.begin(suite, questions, model, tmp_path / folder, session.Asked(model=model.name, **asked))

    return begun


@pytest.fixture
def asked(begin: Begin) -> Begin:
    """Asks all of a run and returns its session."""

    def run(suite: Suite, data: Path | Questions, model: Any, folder: str = "run", **how: Any) -> session.Session:
        begun = begin(suite, data, model, folder, **how)
        session.ask(begun, lambda done, there: None, in_flight=1)
        return begun

    return run


@pytest.fixture(scope="session")
def shipped_suites() -> list[Suite]:
    return [suites.named(name) for name in suites.names()]
