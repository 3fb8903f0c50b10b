"""Whether what a model wrote of a face may stand: each unit, side, grade and emotion is held against evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator

from facevlm import facs
from facevlm.agent import claims, evidence
from facevlm.agent.case import Case, Written
from facevlm.data.cot.parse import Claim, Parsed, parse
from facevlm.errors import OutputError
from facevlm.types import EMOTIONS, Face

_ANSWER = re.compile(r"^(?:face \d+: )?(yes|no)\b", re.I)
_FEELS = re.compile(r"\b(?:feels?|feeling|lies|lying|honest|truly|because (?:she|he|they) (?:is|are|was|were))\b", re.I)
_FACE = re.compile(r"\b(?:face|person|number) (\d+)\b", re.I)


def refused(text: str, case: Case, asked: Written) -> str | None:
    """Why a model's words about a face do not hold; None where they do."""
    try:
        told = parse(text)
    except OutputError as error:
        return str(error)
    return next(_faults(text, told, case, asked), None)


def _faults(text: str, told: Parsed, case: Case, asked: Written) -> Iterator[str]:
    face = asked.face
    if len(text.split()) < 2 or not text.rstrip().endswith((".", "!")):
        yield "it is no sentence"
    if _FEELS.search(text):
        yield "it speaks of more than an expression"
    yield from (f"it names face {number}" for number in _FACE.findall(text) if int(number) != face.id)
    yield from (f"AU {code} is not seen" for code in sorted(told.named) if not evidence.present(face, code))
    yield from (f"AU {code} is seen" for code in sorted(told.denied) if evidence.present(face, code) is not False)
    yield from (fault for claim in told.claims for fault in _overstated(claim, face))
    yield from claims.untrue(text, face)
    yield from _emotions(text, case, face)
    yield from _beside_the_point(text, told, case, asked)


def _overstated(claim: Claim, face: Face) -> Iterator[str]:
    """A grade or a side that is not what was measured."""
    measured = evidence.grade(face, claim.au)
    if claim.intensity and measured and claim.intensity != measured:
        yield f"AU {claim.au} is not {facs.intensity_word(claim.intensity)}"
    if claim.side in ("left", "right") and evidence.side(face, claim.au) != claim.side:
        yield f"AU {claim.au} is not on the {claim.side}"


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
