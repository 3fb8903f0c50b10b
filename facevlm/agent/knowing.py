"""Answers from the FACS tables: what a unit is, what is typical of an emotion, what grades mean."""

from __future__ import annotations

from collections.abc import Callable

from facevlm import facs
from facevlm.agent.case import Case
from facevlm.agent.phrases import Said, gloss
from facevlm.agent.values import Sentence
from facevlm.agent.wording import joined, reply_plain
from facevlm.types import INTENSITY_VALUES

ALTERNATIVES = 3  # prototypes of one emotion that are told


def definition(case: Case) -> Said:
    """Names, muscles and looks of units."""
    yield from map(no_unit, case.question.unknown)
    units = case.question.units or (() if case.question.unknown else case.focus.units)
    for code in units[:4]:
        unit = facs.unit(code)
        case.step("facs", f"AU {code} {unit.name}")
        yield case.say("definition", au=code, name=unit.name, muscles=joined(unit.muscles), evidence=unit.evidence[0])
    if not units and not case.question.unknown:
        yield case.say("facs", count=len(facs.units()))


def no_unit(code: int) -> Sentence:
    """That a number is none of a unit, and which are."""
    known = joined([str(unit.code) for unit in facs.units()])
    return Sentence(text=reply_plain("no_unit", au=code, known=known), origin="tables")


def prototype(case: Case) -> Said:
    """What is typical of emotions."""
    for emotion in case.question.emotions or case.focus.emotions:
        rows = facs.prototypes(emotion)
        case.step("facs", f"{len(rows)} prototypes of {emotion}")
        sets = [" + ".join(f"AU {code}" for code in sorted(row.required)) for row in rows[:ALTERNATIVES]]
        optional = sorted(
            {code for row in rows for code in row.required | row.optional if code not in rows[0].required}
        )
        also = (
            f"; {'AU' if len(optional) == 1 else 'AUs'} {joined([str(code) for code in optional])} may join"
            if optional
            else ""
        )
        named = f" ({joined([gloss(code) for code in sorted(rows[0].required)])})" if rows else ""
        if rows:
            yield case.say(
                "prototype", emotion=emotion, sets=sets[0] + named + "".join(f", or {each}" for each in sets[1:]) + also
            )
        else:
            yield case.say("neutral_prototype")


def grades(case: Case) -> Said:
    """The letters of intensity."""
    yield case.say("grades", grades=joined([f"{letter} {facs.intensity_word(letter)}" for letter in INTENSITY_VALUES]))


def system(case: Case) -> Said:
    """What FACS is."""
    yield case.say("facs", count=len(facs.units()))


def recall(case: Case) -> Said:
    """What the user told of the situation."""
    if case.told:
        yield case.say("recalled", told=quoted(case.told))
    else:
        yield case.say("nothing_told")


def plainly(key: str) -> Callable[[Case], Said]:
    """An answer that is one sentence of `replies.yaml`, whatever was asked."""

    def answer(case: Case) -> Said:
        yield case.say(key)

    return answer


def quoted(told: tuple[str, ...]) -> str:
    """What was told, in the user's words."""
    return joined([f"«{each.strip().rstrip('.!')}»" for each in told[-3:]])
