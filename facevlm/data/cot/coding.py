"""What is known of the action units of one face before a word is written: those seen, and those known to be absent.

Both measured action units and a data set's labels are brought to this. What is in neither was not coded, or could not
be measured; nothing is said of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping

from facevlm import facs
from facevlm.data.cot import presence
from facevlm.data.sample import UnitLabel
from facevlm.errors import InputError
from facevlm.types import INTENSITY_VALUES, ActionUnit, Emotion, Intensity, Observation, Side, Value

CLAIMED = 0.25  # measured, from which an action unit is spoken of: a margin above the threshold a claim is checked at
DENIED = 0.1  # measured, below which it may be called absent; between the two nothing is said of it
UNGRADED: Intensity = "C"  # where a letter must stand and none is known: C covers the widest range of a scorer's scale


class Coding(Value):
    """The action units of one face.

    Args:
        observations: those seen, the strongest first; their `evidence` is empty until `phrased`.
        absent: those known not to be there.
        ungraded: those seen whose strength is not known; their intensity is UNGRADED, and prose does not speak of it.
        unsided: those seen whose side is not known; it is «both», as FACS reads a code without a side, and prose does
            not speak of it.
    """

    observations: tuple[Observation, ...]
    absent: frozenset[int] = frozenset()
    ungraded: frozenset[int] = frozenset()
    unsided: frozenset[int] = frozenset()

    @property
    def seen(self) -> frozenset[int]:
        return frozenset(each.au for each in self.observations)

    def side(self, code: int) -> Side:
        return next(each.side for each in self.observations if each.au == code)

    def strength(self, codes: Iterable[int]) -> float:
        """The strengths of some of the units seen, added up."""
        wanted = set(codes)
        return sum(INTENSITY_VALUES[each.intensity] for each in self.observations if each.au in wanted)


class Label(Value):
    """What a face is labelled with; `distribution` sums to 1, `compound` is a name of `facs.compounds()`."""

    emotion: Emotion
    distribution: dict[Emotion, float] | None = None
    compound: str | None = None


def measured(units: Mapping[int, ActionUnit], claimed: float = CLAIMED) -> Coding:
    """What a measurement says; of units below `claimed` nothing.

    Of two units that cannot be seen together the weaker is left out: it is an error of the measurement, and which of
    them is cannot be known.
    """
    strengths = {code: _strength(unit) for code, unit in units.items()}
    present = {code: value for code, value in strengths.items() if value is not None and value >= claimed}
    for row in facs.contradictions(tuple(present)):
        if set(row.aus) <= set(present):
            del present[min(row.aus, key=lambda code: present[code])]
    absent = (code for code, unit in units.items() if unit.value is not None and _greatest(unit) < DENIED)
    return Coding(
        observations=_sorted(_measured(units[code], present[code]) for code in present),
        absent=frozenset(absent),
        unsided=frozenset(code for code in present if units[code].left is None or units[code].right is None),
    )


def labelled(units: Mapping[int, UnitLabel]) -> Coding:
    """What a data set says.

    Raises:
        InputError: two of the units cannot be seen together.
    """
    present = {code: label for code, label in units.items() if label.present}
    for row in facs.contradictions(tuple(present)):
        first, second = row.aus
        raise InputError(f"AU {first} and AU {second} cannot be seen together ({row.reason}); take one of them away")
    return Coding(
        observations=_sorted(_labelled(code, label) for code, label in present.items()),
        absent=frozenset(units.keys() - present.keys()),
        ungraded=frozenset(code for code, label in present.items() if label.intensity is None),
        unsided=frozenset(code for code, label in present.items() if label.side is None),
    )


def phrased(observations: Iterable[Observation], rng: random.Random) -> tuple[Observation, ...]:
    """The observations with words for how each shows."""
    return tuple(each.model_copy(update={"evidence": _phrase(each, rng)}) for each in observations)


def _phrase(each: Observation, rng: random.Random) -> str:
    entry = facs.unit(each.au)
    return rng.choice(entry.evidence if each.side == "both" else entry.one_sided).format(side=each.side)


def _sorted(observations: Iterable[Observation]) -> tuple[Observation, ...]:
    return tuple(sorted(observations, key=lambda each: (-INTENSITY_VALUES[each.intensity], each.au)))


def _measured(unit: ActionUnit, strength: float) -> Observation:
    intensity = facs.grade(strength)
    assert intensity is not None  # a present unit is above the faintest grade
    side = _side(unit)
    return _observation(unit.code, intensity, side)


def _labelled(code: int, label: UnitLabel) -> Observation:
    return _observation(code, label.intensity or UNGRADED, label.side or "both")


def _observation(code: int, intensity: Intensity, side: Side) -> Observation:
    entry = facs.unit(code)
    return Observation(au=code, name=entry.name, intensity=intensity, side=side if entry.sided else "both")


def _strength(unit: ActionUnit) -> float | None:
    side = _side(unit)
    value: float | None = unit.value if side == "both" else getattr(unit, side)
    return value


def _greatest(unit: ActionUnit) -> float:
    return max(value for value in (unit.value, unit.left, unit.right) if value is not None)


def _side(unit: ActionUnit) -> Side:
    """The side a unit is spoken of on."""
    return presence.alone(unit) or "both"
