"""Answers about several faces: which, how many, which more, and where they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from facevlm import facs
from facevlm.agent import evidence
from facevlm.agent.case import Case, scores
from facevlm.agent.emotions import reading
from facevlm.agent.phrases import Said, measured, resting_on
from facevlm.agent.understanding import Question
from facevlm.agent.values import Sentence
from facevlm.agent.wording import Units, joined, reply
from facevlm.types import Emotion, Face

_BEST = re.compile(r"\b(?:most|best|happiest|saddest|angriest|calmest|\w+iest|strongest|more|one)\b")
_LEAST = re.compile(r"\b(?:least|less|weakest|lowest)\b")
_ANY = re.compile(r"\b(?:any|anyone|anybody|someone|somebody)\b")
_RANKED = re.compile(r"\brank(?:ing)?\b|^(?:please )?(?:order|sort)\b")
NEAR = 0.85  # of the best score, from which a face looks an emotion as well
LIKELY = 0.3  # the least score with which it looks it at all
EQUAL = 0.05  # difference below which two faces show as much of something


def which(case: Case) -> Said:
    """The faces that show a movement, look an emotion, or stand at a place."""
    question = case.question
    if question.units:
        yield from _named(case, _showing(case), lambda face: _measures(face, question.units))
    elif question.emotions:
        yield from _named(case, _looking(case), lambda face: _reads(case, face))
    elif not (question.about.numbers or question.about.places or question.about.every or question.about.other):
        yield case.say("beyond")
    else:
        case.step("find", joined([f"face {face.id}" for face in case.faces]))
        yield _found(case, case.faces, "at")


def count(case: Case) -> Said:
    """How many faces there are, or show what is asked."""
    question, every = case.question, _among(case)
    if question.units:
        yield _counted(case, _showing(case), every, f"shows {_units(question.units)}")
    for emotion in () if question.units else question.emotions:
        found = tuple(face for face in every if (reading(case, face) == emotion) is not question.negated)
        yield _counted(case, found, every, f"reads as {emotion}")
    if not question.units and not question.emotions:
        case.step("find", case.picture.found)
        many = Units(range(len(every)), "")
        text = reply(
            "counted.some", case.rng, many=many, count="one face" if len(every) == 1 else f"{len(every)} faces"
        )
        yield Sentence(text=text, evidence=resting_on(case, every))


def more(case: Case) -> Said:
    """Which of some faces shows a movement more strongly, or looks an emotion more."""
    codes = case.question.units
    rivals = case.faces if len(case.faces) > 1 else case.picture.faces
    for face in rivals if codes else ():
        measured(case, face, codes)
    rated = {face.id: _most(face, codes) if codes else _likeness(case, face) for face in rivals}
    there = any(evidence.present(face, each) for face in rivals for each in codes)
    if not (there if codes else max(rated.values()) >= LIKELY):
        text = reply("found_none", case.rng, does=_does(case.question))
        yield Sentence(text=text, evidence=resting_on(case, rivals, codes))
        return
    yield _ranked(case, sorted(rivals, key=lambda face: rated[face.id], reverse=not _least(case)), rated)


def _ranked(case: Case, ranked: list[Face], rated: dict[int, float]) -> Sentence:
    """The first of faces in their order; those that come as near to it as makes no difference; or all, where asked."""
    codes, first = case.question.units, ranked[0]
    equal = [face for face in ranked if abs(rated[face.id] - rated[first.id]) < EQUAL]
    shown, key = [first], "more" if len(ranked) > 1 else "more_alone"
    if _RANKED.search(case.question.text.lower()):
        shown, key = ranked, "ranked"
    elif len(equal) > 1:
        shown, key = equal, "more_equal"
    slots = {
        "face": f"face {first.id}",
        "what": _what(case, first),
        "value": rated[first.id],
        "others": joined([f"{rated[face.id]:.2f} elsewhere" for face in ranked[1:2]]),
        "order": joined([f"face {face.id} ({rated[face.id]:.2f})" for face in shown]),
    }
    return Sentence(text=reply(key, case.rng, **slots), evidence=resting_on(case, shown, codes))


def _counted(case: Case, found: tuple[Face, ...], every: tuple[Face, ...], does: str) -> Sentence:
    """«2 of 5: face 1 and face 4 show AU 12»; of a picture of one face whether it does."""
    codes, negated = case.question.units, case.question.negated
    told = _negative(does) if negated else does
    if not found or len(every) == 1:
        key = "found_one" if found else "found_all" if negated else "found_none"
        return Sentence(
            text=reply(key, case.rng, does=told if found else does), evidence=resting_on(case, every, codes)
        )
    told = told if len(found) == 1 else _plural(told)
    named = joined([f"face {face.id}" for face in found])
    text = f"{'One' if len(found) == 1 else len(found)} of {len(every)}: {named} {told}."
    return Sentence(text=text, evidence=resting_on(case, found, codes))


def _negative(does: str) -> str:
    """«does not show AU 12» of «shows AU 12»."""
    verb, rest = does.split(" ", 1)
    return f"does not {verb.removesuffix('s')} {rest}"


def _plural(does: str) -> str:
    verb, rest = does.split(" ", 1)
    return f"{'do' if verb == 'does' else verb.removesuffix('s')} {rest}"


def _what(case: Case, first: Face) -> str:
    """What faces are held against each other by."""
    if not case.question.units:
        return f"likeness to {case.question.emotions[0]}"
    code = max(case.question.units, key=lambda each: _most(first, (each,)))
    return f"AU {code} ({facs.unit(code).name})"


def _reads(case: Case, face: Face) -> str:
    asked, is_read = case.question.emotions[0], reading(case, face)
    if case.question.negated:
        return f"it reads as {is_read}"
    if _least(case):
        return f"it looks least like {asked}, and reads as {is_read}"
    return f"it reads as {asked}" if is_read == asked else f"it comes nearest to {asked}, though it reads as {is_read}"


def _showing(case: Case) -> tuple[Face, ...]:
    """Those that show a unit, or where it is asked so all of the units, or none."""
    codes, negated = case.question.units, case.question.negated
    holds: Callable[[Iterator[bool]], bool] = all if case.question.together else any
    for face in _among(case):
        measured(case, face, codes)
    there = {face.id: [evidence.present(face, code) for code in codes] for face in _among(case)}
    if negated:
        return tuple(face for face in _among(case) if not holds(each is not False for each in there[face.id]))
    return tuple(face for face in _among(case) if holds(bool(each) for each in there[face.id]))


def _looking(case: Case) -> tuple[Face, ...]:
    """Those that look an emotion: every one that reads as it; those nearest to it where the best is asked for."""
    asked: Emotion = case.question.emotions[0]
    among = _among(case)
    if case.question.negated:
        return tuple(face for face in among if reading(case, face) != asked)
    if case.question.about.other or _ANY.search(case.question.text.lower()):
        return tuple(face for face in among if reading(case, face) == asked)
    rated = {face.id: _likeness(case, face) for face in among}
    case.step("find", ", ".join(f"face {number} {value:.2f} {asked}" for number, value in rated.items()))
    if _least(case):
        return tuple(face for face in among if rated[face.id] < min(rated.values()) + EQUAL)
    best = max(rated.values(), default=0.0)
    if best < LIKELY:
        return ()
    one = _BEST.search(case.question.text.lower())
    return tuple(face for face in among if rated[face.id] >= (best - EQUAL if one else NEAR * best))


def _likeness(case: Case, face: Face) -> float:
    return scores(case, face)[case.question.emotions[0]]


def _among(case: Case) -> tuple[Face, ...]:
    """The faces that are looked through: those pointed to, where there are several, or the others, or all."""
    return case.faces if len(case.faces) > 1 or case.question.about.other else case.picture.faces


def _named(case: Case, found: tuple[Face, ...], because: Callable[[Face], str]) -> Iterator[Sentence]:
    """Each face found, and what speaks for it."""
    question = case.question
    if not found:
        nobody = "found_all" if question.negated else "found_no_other" if question.about.other else "found_none"
        said = _among(case) or case.picture.faces
        yield Sentence(
            text=reply(nobody, case.rng, does=_does(question)), evidence=resting_on(case, said, question.units)
        )
        return
    for face in found:
        text = reply("found", case.rng, faces=f"face {face.id}", because=because(face))
        yield Sentence(text=text, evidence=resting_on(case, (face,), question.units))


def _does(question: Question) -> str:
    return f"shows {_units(question.units)}" if question.units else f"looks like {question.emotions[0]}"


def _found(case: Case, faces: tuple[Face, ...], key: str) -> Sentence:
    text = reply(key, case.rng, faces=joined([f"face {face.id}" for face in faces]))
    return Sentence(text=text, evidence=resting_on(case, faces))


def _measures(face: Face, codes: tuple[int, ...]) -> str:
    """What was measured of the units that are there, or where none is, of all."""
    there = [code for code in codes if evidence.present(face, code)]
    if not there:
        told = [f"AU {code} ({facs.unit(code).name}), measured at {_most(face, (code,)):.2f}" for code in codes]
        return f"it does not show {joined(told, 'or')}"
    return joined([f"AU {code} ({facs.unit(code).name}) measures {_most(face, (code,)):.2f}" for code in there])


def _most(face: Face, codes: tuple[int, ...]) -> float:
    return max((evidence.strength(face.action_units.get(code)) or 0.0 for code in codes), default=0.0)


def _least(case: Case) -> bool:
    return bool(_LEAST.search(case.question.text.lower()))


def _units(codes: tuple[int, ...]) -> str:
    return joined([f"AU {code}" for code in codes], "or")
