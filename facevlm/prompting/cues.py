"""A face's measured cues and action units as the compact text that small models read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import Literal

from facevlm import facs
from facevlm.types import INTENSITY_VALUES, ActionUnit

# The steps a cue is told in, standard deviations from a resting face: half ones near it, where expressions differ most.
LEVELS = (-6.0, -5.0, -4.0, *(step / 2 for step in range(-6, 7)), 4.0, 5.0, 6.0)


# The steps the strength of an action unit is told in. What is claimed and checked changes only at one of them: where
# the grades A to E meet, at the threshold of presence, and where a unit begins to be spoken of.
STRENGTHS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
AT_REST = "AU:none"  # no action unit measures as much as the first of them
APART = 0.1  # difference of the sides from which each is told

Half = Literal["", "L", "R"]
HALVES: tuple[Half, ...] = ("", "L", "R")  # both sides of the face, its left, its right


def cue_text(cues: Mapping[str, float]) -> str:
    """Each cue as `name:+1.5`, the nearest of LEVELS, in the order given, parted by spaces."""
    return " ".join(cue_token(name, nearest_level(value)) for name, value in cues.items())


def cue_token(name: str, level: float) -> str:
    """One cue in one step, as prompts write it."""
    return f"{name}:{level:+g}"


def nearest_level(value: float) -> float:
    """The step a cue is told in."""
    return min(LEVELS, key=lambda level: abs(level - value))


def unit_text(units: Mapping[int, ActionUnit]) -> str:
    """The action units measured at 0.1 or more, as `AU12:0.7`, the strongest first as in an answer, parted by spaces.

    Where the sides differ each is told, as `AU12L:0.7 AU12R:0.3`. `AU:none` where no unit is that strong, and nothing
    where there are no measurements.
    """
    told = sorted((_rank(unit), unit.code, list(_halves(unit))) for unit in units.values())
    halves = [(code, half, value) for _, code, each in told for half, value in each if value >= STRENGTHS[0]]
    tokens = [unit_token(code, half, reached(value)) for code, half, value in halves]
    return " ".join(tokens) if tokens or not units else AT_REST


def unit_token(code: int, half: Half, strength: float) -> str:
    """One action unit in one step, as prompts write it; `half` is the side of the face, empty for both."""
    return f"AU{code}{half}:{strength:g}"


def reached(value: float) -> float:
    """The step a strength is told in: the last that it reaches."""
    return STRENGTHS[bisect_right(STRENGTHS, value) - 1]


def _rank(unit: ActionUnit) -> float:
    """By the grade of the stronger side: units of one grade stay in the order of their numbers."""
    grade = facs.grade(max((value for _, value in _halves(unit)), default=0.0))
    return -INTENSITY_VALUES[grade] if grade else 0.0


def _halves(unit: ActionUnit) -> Iterator[tuple[Half, float]]:
    if unit.left is not None and unit.right is not None and abs(unit.left - unit.right) >= APART:
        yield "L", unit.left
        yield "R", unit.right
    elif unit.value is not None:
        yield "", unit.value
