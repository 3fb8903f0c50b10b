"""What answers about faces are put together from: units by number and name, and what was measured of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from facevlm import facs
from facevlm.agent import evidence
from facevlm.agent.case import Case, Written
from facevlm.agent.values import Evidence, Sentence
from facevlm.agent.wording import Units, joined
from facevlm.data.cot import wording
from facevlm.types import Face

MOST = 5  # action units listed in one sentence

Said = Iterator[Sentence | Written]


def spoken_of(case: Case, face: Face) -> tuple[int, ...]:
    """The units a question means: those it names, or those last spoken of, or the strongest."""
    return case.question.units or case.focus.units or evidence.seen(face)[:1] or (12,)


def measured(case: Case, face: Face, codes: tuple[int, ...] = ()) -> None:
    """Tells what was measured."""
    shown = codes or evidence.seen(face)[:MOST]
    values = ((code, evidence.strength(face.action_units.get(code))) for code in shown)
    told = ", ".join(f"AU {code} {'–' if value is None else f'{value:.2f}'}" for code, value in values)
    case.step("measure", f"face {face.id}: {told or 'no action unit stands out'}")


def resting_on(case: Case, faces: Sequence[Face], codes: tuple[int, ...] = ()) -> tuple[Evidence, ...]:
    """The evidence of a sentence about several faces."""
    told = {face.id: case.picture.known(face.id) for face in faces}
    return tuple(each for face in faces for each in evidence.of_units(case.picture.id, face, codes, told[face.id]))


def unit(code: int) -> dict[str, object]:
    """The number and the name of a unit, as sentences take them."""
    return {"au": code, "name": facs.unit(code).name}


def cited(codes: tuple[int, ...], face: Face | None = None) -> Units:
    """«AU 6 and AU 12 (raised lip corners)»."""
    named = [f"AU {code}" if face is None else f"AU {code} ({gloss(code)})" for code in codes]
    return Units(codes, joined(named))


def values(face: Face, codes: tuple[int, ...]) -> str:
    """«AU 6 at 0.61 and AU 12 at 0.83», of units that were measured."""
    known = ((code, evidence.strength(face.action_units.get(code))) for code in codes)
    return joined([f"AU {code} at {value:.2f}" for code, value in known if value is not None])


def gloss(code: int) -> str:
    """A unit in a few everyday words: «raised cheeks»."""
    return str(wording.table("long")["glosses"][code])
