"""A page whose agent is a stand-in: real values, no model, quick."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

pytest.importorskip("streamlit", reason="the extra «app» is not installed")

from app import desk as desks
from facevlm.agent import Answer, Conversation, Event, Evidence, Message, Piece, Sentence, Step
from facevlm.errors import FaceVLMError, InputError
from facevlm.reasoning import FaceReasoner
from facevlm.types import Analysis
from tests.reasoning.conftest import ScriptedModel


@pytest.fixture(autouse=True)
def own_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit puts the page in the place of `__main__`, which processes that are spawned later would run."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


class Talker:
    """Speaks of the smile on face 1 of whatever picture it is given; `mood` makes it fail."""

    def __init__(self) -> None:
        self.reasoner = FaceReasoner(ScriptedModel("face"))
        self.mood = "well"
        self._talks: dict[str, Conversation] = {}
        self._said: dict[str, list[Message]] = {}
        self._pictures: dict[str, tuple[bytes, Analysis]] = {}

    def start(self, title: str = "", *, keep: bool = False) -> str:
        talk = f"talk-{len(self._talks)}-{id(self)}"
        now = time.time()
        self._talks[talk] = Conversation(id=talk, title=title, created=now, updated=now, kept=keep)
        self._said[talk] = []
        return talk

    def ask(self, conversation: str, text: str, images: Sequence[bytes] = ()) -> Iterator[Event]:
        if self.mood == "broken":
            raise RuntimeError("a secret of the inside")
        said = self._said[conversation]
        try:
            given = tuple(self._look(image) for image in images)
        except FaceVLMError as error:
            yield from self._answer(conversation, text, (), str(error))
            return
        yield Step(name="look", found=f"{len(given)} picture")
        picture = next((each for message in reversed(said) for each in message.pictures), next(iter(given), ""))
        smile = Evidence(picture=picture, face=1, au=12, name="lip corner puller", measured=0.7, verdict="supported")
        yield from self._answer(conversation, text, given, f"You asked: {text}", (smile,), picture)

    def _answer(
        self,
        talk: str,
        text: str,
        given: tuple[str, ...],
        words: str,
        evidence: tuple[Evidence, ...] = (),
        picture: str = "",
    ) -> Iterator[Event]:
        yield Piece(text=words)
        sentences = (Sentence(text=words, evidence=evidence),)
        answer = Answer(
            text=words, sentences=sentences, intent="why", picture=picture or None, suggestions=("How strong is it?",)
        )
        self._said[talk] += [
            Message(role="user", text=text, pictures=given),
            Message(role="assistant", text=words, answer=answer),
        ]
        self._talks[talk] = self._talks[talk].model_copy(update={"title": self._talks[talk].title or text})
        yield answer

    def _look(self, image: bytes) -> str:
        name = f"picture-{len(self._pictures)}"
        self._pictures[name] = (image, self.reasoner.analyze(image))
        return name

    def conversations(self) -> list[Conversation]:
        return list(self._talks.values())

    def history(self, conversation: str) -> list[Message]:
        return list(self._said[conversation])

    def rename(self, conversation: str, title: str) -> None:
        self._talks[conversation] = self._talks[conversation].model_copy(update={"title": title})

    def keep(self, conversation: str) -> None:
        self._talks[conversation] = self._talks[conversation].model_copy(update={"kept": True})

    def delete(self, conversation: str) -> None:
        del self._talks[conversation], self._said[conversation]

    def lose(self, picture: str) -> None:
        """The picture is gone, though it was spoken of."""
        del self._pictures[picture]

    def picture(self, picture: str) -> bytes:
        if picture not in self._pictures:
            raise InputError(f"{picture}: there is no such picture")
        return self._pictures[picture][0]

    def analysis(self, picture: str) -> Analysis:
        return self._pictures[picture][1]


@pytest.fixture
def talker() -> Talker:
    return Talker()


@pytest.fixture
def desk(talker: Talker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[desks.Desk]:
    """The desk of the process, with the stand-in for every choice."""
    monkeypatch.setenv("FACEVLM_STORE", str(tmp_path / "talks.sqlite"))
    monkeypatch.setattr(desks.Desk, "_made", lambda *_: talker)
    monkeypatch.setattr(desks.Desk, "warm", lambda _: None)
    desks.desk.cache_clear()
    yield desks.desk()
    desks.desk.cache_clear()
