"""The text of a reply, put together from the answers to many questions while they are being written.

A reply is a row of parts. A part tells what one answer says, as far as it is written, or something that is known once
all parts before it are complete. The text is the same whether the answers come whole or in pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from facevlm.errors import FaceVLMError
from facevlm.models import Answer, Piece

BETWEEN = "\n\n"


@dataclass(frozen=True)
class Told:
    """A part that tells an answer: `so_far` of what is written of it, then `end` of all of it."""

    index: int  # of the answer
    so_far: Callable[[str], str]
    end: Callable[[Answer], str] = lambda answer: ""


@dataclass(frozen=True)
class Known:
    """A part whose text can be had once the parts before it, and these answers, are complete."""

    text: Callable[[], str]
    needs: Sequence[int] = ()


Part = Told | Known


class Reply:
    """A reply that grows as pieces of its answers come.

    Nothing is said before a model has written something: a reply that fails altogether has not begun.

    Args:
        parts: of the text, in order.
        count: how many answers there are.
    """

    def __init__(self, parts: Sequence[Part], count: int) -> None:
        self.answers: list[Answer | None] = [None] * count
        self._parts = list(parts)
        self._written = [""] * count
        self._said = ""  # of the part that is being told
        self._any = False  # whether anything was said

    def add(self, piece: Piece) -> str:
        """What the reply says more, now that this piece has come."""
        self._written[piece.index] += piece.text
        if piece.answer is not None:
            self.answers[piece.index] = piece.answer
            if not isinstance(piece.answer, FaceVLMError):
                self._written[piece.index] = piece.answer.text
        return self.go_on() if any(self._written) else ""

    def go_on(self) -> str:
        """What can be said and was not yet."""
        more = ""
        while self._parts:
            text, complete = self._told(self._parts[0])
            if text.startswith(self._said):  # an answer that is no JSON may take back what it seemed to say
                more += self._after(text)
            if not complete:
                break
            self._parts.pop(0)
            self._said = ""
        return more

    def _after(self, text: str) -> str:
        fresh = text[len(self._said) :]
        between = BETWEEN if fresh and not self._said and self._any else ""
        self._any = self._any or bool(fresh)
        self._said = text
        return between + fresh

    def _told(self, part: Part) -> tuple[str, bool]:
        """The text of a part, and whether it is all of it."""
        if isinstance(part, Known):
            ready = all(self.answers[index] is not None for index in part.needs)
            return (part.text(), True) if ready else ("", False)
        answer = self.answers[part.index]
        text = part.so_far(self._written[part.index])
        return (text, False) if answer is None else (text + part.end(answer), True)
