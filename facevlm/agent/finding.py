"""Answers about several faces: which, how many, how they differ, where they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from facevlm import facs
from facevlm.agent import evidence
from facevlm.agent.case import Case, scores
from facevlm.agent.emotions import reading
from facevlm.agent.phrases import MOST, Said, measured, unit
from facevlm.agent.values import Sentence
from facevlm.agent.wording import Units, joined, reply
from facevlm.data.cot.coding import Label
from facevlm.data.cot.coding import measured as coded
from facevlm.data.cot.compare import compare as compared
from facevlm.types import Emotion, Face

_BEST = re.compile(r"\b(?:most|best|happiest|saddest|angriest|calmest|\w+iest|strongest|more|one)\b")
NEAR = 0.85  # of the best score, from which a face looks an emotion as well
LIKELY = 0.3  # the least score with which it looks it at all


def which(case: Case) -> Said:
    """The faces that show a movement, look an emotion, or stand at a place."""
    question = case.question
    if question.units:
        yield from _named(
            case, _showing(case), lambda face: _measures(face, question.units), f"shows {_units(question.units)}"
        )
    elif question.emotions:
        yield from _named(
            case,
            _looking(case),
            lambda face: _reads(case, face, question.emotions[0]),
            f"looks like {question.emotions[0]}",
        )
    elif not (question.about.numbers or question.about.places or question.about.every or question.about.other):
        yield case.say("beyond")
    else:
        case.step("find", joined([f"face {face.id}" for face in case.faces]))
        yield _found(case, case.faces, "at")


def count(case: Case) -> Said:
    """How many faces there are, or show what is asked."""
    question, every = case.question, case.picture.faces
    if not question.units and not question.emotions:
        case.step("find", case.picture.found)
        many = Units(range(len(every)), "")
        text = reply(
            "counted.some", case.rng, many=many, count="one face" if len(every) == 1 else f"{len(every)} faces"
        )
        yield Sentence(text=text, evidence=_of(case, every))
        return
    found = _showing(case) if question.units else _looking(case, every_one=True)
    does = f"shows {_units(question.units)}" if question.units else f"reads as {question.emotions[0]}"
    if not found:
        yield Sentence(text=reply("found_none", case.rng, does=does), evidence=_of(case, every))
        return
    named = joined([f"face {face.id}" for face in found])
    told = does if len(found) == 1 else re.sub(r"^(show|read)s", r"\1", does)
    text = f"{'One' if len(found) == 1 else len(found)} of {len(every)}: {named} {told}."
    yield Sentence(text=text, evidence=_of(case, found, question.units))


def more(case: Case) -> Said:
    """Which of some faces shows a movement more strongly."""
    codes = case.question.units
    rivals = case.faces if len(case.faces) > 1 else case.picture.faces
    for face in rivals:
        measured(case, face, codes)
    ranked = sorted(rivals, key=lambda face: _most(face, codes), reverse=not _least(case))
    first, *rest = ranked
    code = max(codes, key=lambda each: evidence.strength(first.action_units.get(each)) or 0.0)
    if not any(evidence.present(face, each) for face in rivals for each in codes):
        yield Sentence(
            text=reply("found_none", case.rng, does=f"shows {_units(codes)}"), evidence=_of(case, rivals, codes)
        )
        return
    others = joined([f"{_most(face, (code,)):.2f} elsewhere" for face in rest[:1]]) or "no other"
    text = reply("more", case.rng, face=f"face {first.id}", **unit(code), value=_most(first, (code,)), others=others)
    yield Sentence(text=text, evidence=_of(case, (first,), codes))


def compare(case: Case) -> Said:
    """What two faces, or the first two, have in common and where they differ."""
    pair = (case.faces if len(case.faces) > 1 else case.picture.faces)[:2]
    if len(pair) < 2:
        text = reply("not_there", case.rng, missing="second face", there="the picture has one face")
        yield Sentence(text=text, evidence=_of(case, pair))
        return
    case.step("compare", joined([f"face {face.id}" for face in pair]))
    numbered = [(face.id, coded(face.action_units, claimed=0.2), Label(emotion=reading(case, face))) for face in pair]
    told = compared(numbered[0], numbered[1], case.rng)
    points = told.answer[:1].lower() + told.answer[1:].rstrip(".")
    same = numbered[0][2] == numbered[1][2] and numbered[0][1].seen == numbered[1][1].seen
    text = reply("same" if same else "alike", case.rng, points=points)
    asks_whether = re.match(r"(?:and |but )?(?:do|does|are|is|have)\b", case.question.text.lower())
    text = text if asks_whether else text.split(": ", 1)[1]
    text = text[:1].upper() + text[1:]
    named = [code for code in told.aus if any(evidence.present(face, code) for face in pair)]
    yield Sentence(text=text, evidence=_of(case, pair, tuple(named[:MOST])))


def _reads(case: Case, face: Face, asked: Emotion) -> str:
    is_read = reading(case, face)
    return f"it reads as {asked}" if is_read == asked else f"it comes nearest to {asked}, though it reads as {is_read}"


def _showing(case: Case) -> tuple[Face, ...]:
    codes = case.question.units
    for face in _among(case):
        measured(case, face, codes)
    return tuple(face for face in _among(case) if any(evidence.present(face, code) for code in codes))


def _looking(case: Case, *, every_one: bool = False) -> tuple[Face, ...]:
    """Those that look an emotion: every one that reads as it; one where the best is asked for."""
    asked: Emotion = case.question.emotions[0]
    rated = {face.id: scores(case, face)[asked] for face in _among(case)}
    case.step("find", ", ".join(f"face {number} {value:.2f} {asked}" for number, value in rated.items()))
    best = max(rated.values())
    if every_one:
        return tuple(face for face in _among(case) if reading(case, face) == asked)
    if best < LIKELY:
        return ()
    one = _BEST.search(case.question.text.lower())
    return tuple(face for face in _among(case) if rated[face.id] >= (best if one else NEAR * best))


def _among(case: Case) -> tuple[Face, ...]:
    return case.faces if len(case.faces) > 1 else case.picture.faces


def _named(case: Case, found: tuple[Face, ...], because: object, does: str) -> Iterator[Sentence]:
    if not found:
        yield Sentence(
            text=reply("found_none", case.rng, does=does), evidence=_of(case, _among(case), case.question.units)
        )
        return
    assert callable(because)
    for face in found:
        text = reply("found", case.rng, faces=f"face {face.id}", because=because(face))
        yield Sentence(text=text, evidence=_of(case, (face,), case.question.units))


def _found(case: Case, faces: tuple[Face, ...], key: str) -> Sentence:
    return Sentence(
        text=reply(key, case.rng, faces=joined([f"face {face.id}" for face in faces])), evidence=_of(case, faces)
    )


def _of(case: Case, faces: tuple[Face, ...], codes: tuple[int, ...] = ()) -> tuple:  # type: ignore[type-arg]
    told = {face.id: case.picture.known(face.id) for face in faces}
    return tuple(each for face in faces for each in evidence.of_units(case.picture.id, face, codes, told[face.id]))


def _measures(face: Face, codes: tuple[int, ...]) -> str:
    there = [code for code in codes if evidence.present(face, code)]
    return joined([f"AU {code} ({facs.unit(code).name}) measures {_most(face, (code,)):.2f}" for code in there])


def _most(face: Face, codes: tuple[int, ...]) -> float:
    return max((evidence.strength(face.action_units.get(code)) or 0.0 for code in codes), default=0.0)


def _least(case: Case) -> bool:
    return bool(re.search(r"\b(?:least|less|weakest|lowest)\b", case.question.text.lower()))


def _units(codes: tuple[int, ...]) -> str:
    return joined([f"AU {code}" for code in codes], "or")
