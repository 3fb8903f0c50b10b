from __future__ import annotations

import threading
from collections.abc import Iterator

from app.asking import Asking
from facevlm.agent import Answer, Event, Piece
from facevlm.errors import ModelError


class Scripted:
    def __init__(self, *events: Event | Exception) -> None:
        self.events = events
        self.closed = False

    def ask(self, conversation: str, text: str, images: object = ()) -> Iterator[Event]:
        try:
            for event in self.events:
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            self.closed = True


ANSWER = Answer(text="Yes.", sentences=(), intent="presence")


def test_an_answer_is_followed_from_its_start_however_often() -> None:
    asking = Asking(Scripted(Piece(text="Yes."), ANSWER), "talk", "Is it?")
    assert list(asking.follow()) == list(asking.follow()) == [Piece(text="Yes."), ANSWER]
    assert asking.over and asking.answer == ANSWER


def test_a_failure_of_the_model_is_a_sentence() -> None:
    asking = Asking(Scripted(ModelError("http://here: no connection; start the server")), "talk", "Is it?")
    (answer,) = asking.follow()
    assert isinstance(answer, Answer) and answer.failed and "start the server" in answer.text


def test_a_failure_inside_tells_nothing_of_the_inside() -> None:
    asking = Asking(Scripted(Piece(text="Y"), RuntimeError("a secret path")), "talk", "Is it?")
    answer = list(asking.follow())[-1]
    assert isinstance(answer, Answer) and answer.failed
    assert "secret" not in answer.text and "again" in answer.text


def test_an_answer_can_be_stopped() -> None:
    endless = Scripted(*[Piece(text=".")] * 10_000_000)
    asking = Asking(endless, "talk", "Is it?")
    asking.stop()
    for _ in asking.follow():
        pass
    assert endless.closed and asking.answer is None


def test_stopping_an_answer_stops_those_asked_before_it() -> None:
    endless = Scripted(*[Piece(text=".")] * 10_000_000)
    first = Asking(endless, "talk", "first")
    second = Asking(endless, "talk", "second", before=first)
    second.stop()
    first.wait()
    second.wait()
    assert first.answer is None and second.answer is None


def test_a_question_waits_for_the_one_before_and_is_about_its_picture_too() -> None:
    told: list[str] = []
    let_go = threading.Event()

    class Slow:
        def ask(self, conversation: str, text: str, images: object = ()) -> Iterator[Event]:
            if text == "first":
                let_go.wait(60)
            told.append(text)
            yield ANSWER

    first = Asking(Slow(), "talk", "first", [b"a picture"])
    second = Asking(Slow(), "talk", "second", before=first)
    assert second.looking_at == (b"a picture",) and second.images == ()
    let_go.set()
    second.wait()
    assert told == ["first", "second"]
    assert Asking(Slow(), "talk", "third", before=second).looking_at == ()
