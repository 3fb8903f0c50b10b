"""Whether what a model wrote of a face may stand: each unit, side, grade and emotion is held against evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator

from facevlm.agent import evidence
from facevlm.agent.case import Case, Written
from facevlm.data.cot import claims
from facevlm.data.cot.parse import Parsed, parse
from facevlm.types import EMOTIONS, Face

_ANSWER = re.compile(r"^(?:face \d+: )?(yes|no)\b", re.I)


def refused(text: str, case: Case, asked: Written) -> str | None:
    """Why a model's words about a face do not hold; None where they do."""
    fault = next(claims.faults(text, asked.face), None)
    return fault or next(_faults(text, parse(text), case, asked), None)


def _faults(text: str, told: Parsed, case: Case, asked: Written) -> Iterator[str]:
    """What does not hold in this conversation, though it may on the face."""
    yield from _emotions(text, case, asked.face)
    yield from _beside_the_point(text, told, case, asked)


def _emotions(text: str, case: Case, face: Face) -> Iterator[str]:
    named = {emotion for emotion in EMOTIONS if re.search(rf"\b{emotion}\b", text, re.I)}
    is_read = case.emotion(face) if named or case.question.intent == "emotion" else None
    if case.question.intent == "emotion" and is_read not in named:
        yield f"it does not say {is_read}"
    spoken_of = {is_read, *case.question.emotions, *case.focus.emotions}
    yield from (f"it says {each}" for each in sorted(named - spoken_of) if not claims.ruled_out(text, each))


def _beside_the_point(text: str, told: Parsed, case: Case, asked: Written) -> Iterator[str]:
    """Words that are true and answer another question."""
    answer, units, face = _ANSWER.match(text), set(asked.units), asked.face
    match case.question.intent:
        case "presence":
            there = any(evidence.present(face, code) for code in units)
            if not units & (told.named | told.denied) or answer is None or (answer[1].lower() == "yes") != there:
                yield "it does not answer whether it is there"
        case "strength":
            if not any(claim.intensity for claim in told.claims if claim.au in units):
                yield "it tells no strength"
        case "side":
            yield from _wrong_side(text, told, case, face)
        case "describe" | "why" | "looks":
            if not told.named and evidence.seen(face):
                yield "it names no action unit"
        case "why_not":
            if not told.named | told.denied:
                yield "it names no action unit"


def _wrong_side(text: str, told: Parsed, case: Case, face: Face) -> Iterator[str]:
    codes = [claim.au for claim in told.claims]
    sides = {evidence.side(face, code) for code in codes}
    says = {word for word in ("left", "right", "both") if re.search(rf"\b{word}\b", text, re.I)}
    if not codes or says != sides:
        yield "it does not say the side that was measured"
    asks_whether = not re.search(r"\b(?:which|what|where|or)\b", case.question.text, re.I)
    if asks_whether and not _ANSWER.match(text):
        yield "it does not say yes or no"
