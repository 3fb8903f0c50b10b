"""Which action units of a measured face count as there, how strong they are, and on which side."""

from __future__ import annotations

from facevlm import facs
from facevlm.faces.action_units import THRESHOLDS
from facevlm.prompting.cues import APART
from facevlm.types import ActionUnit, Face, Intensity, Side


def strength(unit: ActionUnit | None) -> float | None:
    """How strong a unit is on the stronger side, 0–1; None where it was not measured."""
    known = [] if unit is None else [each for each in (unit.value, unit.left, unit.right) if each is not None]
    return max(known, default=None)


def present(face: Face, code: int) -> bool | None:
    """Whether a unit reaches the threshold that claims are checked at; None where it cannot be measured."""
    value = strength(face.action_units.get(code))
    return None if value is None else value >= THRESHOLDS[code]


def seen(face: Face) -> tuple[int, ...]:
    """The units that are there, the strongest first; of two that exclude each other the stronger alone."""
    codes = [code for code in face.action_units if present(face, code)]
    ranked = sorted(codes, key=lambda code: -(strength(face.action_units[code]) or 0))
    excluded = {max(pair.aus, key=ranked.index) for pair in facs.contradictions(ranked)}
    return tuple(code for code in ranked if code not in excluded)


def grade(face: Face, code: int) -> Intensity | None:
    """The letter of a unit's strength on this face."""
    value = strength(face.action_units.get(code))
    return None if value is None else facs.grade(value)


def side(face: Face, code: int) -> Side | None:
    """The stronger side of a unit, «both» where they are alike; None where they were not measured apart."""
    return uneven(face.action_units.get(code))


def uneven(unit: ActionUnit | None) -> Side | None:
    """The same of a unit as it was measured."""
    if unit is None or unit.left is None or unit.right is None:
        return None
    if abs(unit.left - unit.right) < APART:
        return "both"
    return "left" if unit.left > unit.right else "right"


def alone(unit: ActionUnit | None) -> Side | None:
    """The one side that shows a unit, by a clear difference from one that does not; None of any other."""
    if unit is None or unit.left is None or unit.right is None:
        return None
    weaker, stronger = sorted((unit.left, unit.right))
    clear = weaker < THRESHOLDS[unit.code] <= stronger and stronger - weaker >= APART
    return uneven(unit) if clear else None
