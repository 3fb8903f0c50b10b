"""What a conversation remembers, and one message of it being answered: what was said, and to whom it is told."""

from __future__ import annotations

import operator
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Annotated, Any, TypedDict

from langgraph.config import get_stream_writer

from facevlm.agent.album import View
from facevlm.agent.values import Answer, Piece, Sentence, Step
from facevlm.agent.wording import reply, suggestions


def told_on(before: list[str], more: list[str] | None) -> list[str]:
    """What was told so far and more of it; nothing once it shall be forgotten, which is None."""
    return [] if more is None else before + more


class State(TypedDict, total=False):
    """A conversation, and the message that is being answered: plain JSON, so that SQLite keeps it.

    `told` are the user's statements, of which the first `named` were brought up in an answer.
    """

    messages: Annotated[list[dict[str, Any]], operator.add]
    told: Annotated[list[str] | None, told_on]
    named: int
    focus: dict[str, Any]
    text: str
    pictures: list[str]
    problems: list[str]
    current: str | None
    declined: str | None
    questions: list[str]


@dataclass
class Turn:
    """One message being answered: what was said so far, and whether anyone still listens."""

    stop: threading.Event
    began: float = field(default_factory=time.monotonic)
    sentences: list[Sentence] = field(default_factory=list)
    intent: str = "note"
    named: int = 0
    noted: bool = False
    faces: tuple[int, ...] = ()
    asked: bool = False
    stepped_in: bool = False
    failed: bool = False
    declined: str | None = None


def say(turn: Turn, sentence: Sentence) -> None:
    """Adds a sentence to the answer, and sends it. A face is named where it is first spoken of, and not again."""
    about = sentence.about
    if len(about) == 1 and turn.sentences and turn.sentences[-1].about == about:
        text = sentence.text.removeprefix(f"Face {about[0]}: ")
        sentence = sentence.model_copy(update={"text": text[:1].upper() + text[1:]})
    turn.sentences.append(sentence)
    get_stream_writer()(_pieces(turn.sentences)[-1])


def step(done: Step) -> None:
    """Sends what was done."""
    get_stream_writer()(done)


def fixed(key: str, **slots: Any) -> Sentence:
    """A sentence that rests on no face."""
    return Sentence(text=reply(key, random.Random(0), **slots), origin="tables")


def finished(turn: Turn, picture: str | None, view: View | None) -> Answer:
    """All that was said in a turn, as one answer."""
    faces = tuple(sorted({number for sentence in turn.sentences for number in sentence.about}))
    return Answer(
        text="".join(each.text for each in _pieces(turn.sentences)),
        sentences=tuple(turn.sentences),
        intent=turn.intent,
        declined=turn.declined,
        picture=picture,
        faces=faces,
        suggestions=_suggested(view, faces),
        asked=turn.asked,
        stepped_in=turn.stepped_in,
        failed=turn.failed,
        seconds=round(time.monotonic() - turn.began, 3),
    )


def _pieces(sentences: list[Sentence]) -> list[Piece]:
    """The sentences as pieces of one text: a new line where another face is spoken of."""
    made: list[Piece] = []
    for place, sentence in enumerate(sentences):
        before = sentences[place - 1] if place else None
        gap = "" if before is None else " " if before.about == sentence.about else "\n"
        made.append(Piece(text=gap + sentence.text))
    return made


def _suggested(view: View | None, faces: tuple[int, ...]) -> tuple[str, ...]:
    if view is None or not view.faces:
        return tuple(suggestions("start"))
    if len(view.faces) == 1 or len(faces) == 1:
        return tuple(suggestions("one")[:4])
    return tuple(each.replace("{other}", "2") for each in suggestions("several"))
