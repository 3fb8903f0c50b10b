"""Whether a model does as well by everyone: what was found about a run, kept in its folder and shown in its report.

`fairness_levels` compares the levels of one factor on made faces, `fairness_groups` groups of a data set. Neither asks
who a person is; skin tone is measured in the pixels (see `fairness_tone`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import isnan, nan
from pathlib import Path

from pydantic import Field, ValidationError

from facevlm import files
from facevlm.errors import InputError
from facevlm.evaluation.intervals import Figure
from facevlm.evaluation.rows import Row
from facevlm.types import Emotion, Value

FAIRNESS = "fairness.json"

Outcome = Callable[[Row], float]  # of one answer; nan where it is not defined


class Effect(Value):
    """How well faces at one level of a factor are answered, and by how much that exceeds the mean over its levels."""

    factor: str
    level: str
    outcome: str
    emotion: Emotion | None = None  # the expression shown; None: all
    value: float
    difference: float
    low: float | None  # 95 % interval of the difference
    high: float | None
    n: int  # faces, each seen at every level


class Gap(Value):
    """By how much the best level or group exceeds the worst. Noise alone makes it more than 0, and so its interval: `p`
    says how often as wide a gap comes of it."""

    factor: str
    outcome: str
    emotion: Emotion | None = None
    best: str
    worst: str
    value: float
    low: float | None
    high: float | None
    n: int
    p: float  # of a permutation test (Pitman, Journal of the Royal Statistical Society, 1937)


class Group(Value):
    """How well the faces of one group of a data set are answered."""

    attribute: str
    group: str
    outcome: str
    value: float
    low: float | None
    high: float | None
    n: int


class Response(Value):
    """All held but the expression: how often it is named, and how often the answer is not that of the face at rest."""

    emotion: Emotion
    named: float
    moved: float | None  # None for the face at rest
    n: int


class Fairness(Value):
    """What was found. Many comparisons are made: about one interval in twenty misses 0 by chance."""

    effects: tuple[Effect, ...] = ()
    gaps: tuple[Gap, ...] = ()
    responses: tuple[Response, ...] = ()
    groups: tuple[Group, ...] = ()
    left_out: dict[str, int] = Field(default_factory=dict)  # groups of too few faces, and how many those are


def joined(parts: Iterable[Fairness]) -> Fairness:
    """Several findings as one."""
    found = list(parts)
    return Fairness(
        effects=tuple(each for part in found for each in part.effects),
        gaps=tuple(each for part in found for each in part.gaps),
        responses=tuple(each for part in found for each in part.responses),
        groups=tuple(each for part in found for each in part.groups),
        left_out={name: count for part in found for name, count in part.left_out.items()},
    )


def write(folder: Path, fairness: Fairness) -> Path:
    """Put the findings in the folder of their run, whole or not at all."""
    return files.write(folder / FAIRNESS, fairness.model_dump_json(indent=1) + "\n")


def read(folder: Path) -> Fairness | None:
    """The findings about a run; None where it was not looked at. Raises InputError where they cannot be read."""
    file = folder / FAIRNESS
    if not file.is_file():
        return None
    try:
        return Fairness.model_validate_json(file.read_bytes())
    except ValidationError:
        raise InputError(f"{file}: holds no findings; run `facevlm eval fairness {folder}` again") from None


def gap(
    factor: str, outcome: str, means: dict[str, float], widest: Figure, p: float, emotion: Emotion | None = None
) -> Gap:
    """The gap between the best and the worst of some levels or groups, whose means are given."""
    best, worst = max(means, key=means.__getitem__), min(means, key=means.__getitem__)
    return Gap(
        factor=factor, outcome=outcome, emotion=emotion, best=best, worst=worst,
        value=widest.value, low=end(widest.low), high=end(widest.high), n=widest.n, p=p,
    )  # fmt: skip


def end(value: float) -> float | None:
    """The end of an interval; None where there is none."""
    return None if isnan(value) else value


def _found(row: Row) -> float:
    return float(row.face is not None)


def _right(row: Row) -> float:
    told = row.face.explanation if row.face else None
    if row.truth.face.emotion is None:
        return nan
    return float(told is not None and told.emotion == row.truth.face.emotion)


def _probability(row: Row) -> float:
    """Of the true label: it moves before the answer does."""
    told = row.face.explanation if row.face else None
    emotion = row.truth.face.emotion
    return told.probabilities[emotion] if told and told.probabilities and emotion else nan


def _units(row: Row) -> float:
    """F1 of the action units claimed of a face against those it shows, of those that are coded; nan for neither."""
    told = row.face.explanation if row.face else None
    coded = row.truth.face.units or {}
    true = {code for code, label in coded.items() if label.present}
    claimed = {each.au for each in told.observations if each.au in coded} if told else set()
    return 2 * len(true & claimed) / (len(true) + len(claimed)) if true or claimed else nan


OUTCOMES: dict[str, Outcome] = {
    "found": _found,
    "emotion right": _right,
    "probability of the emotion": _probability,
    "action units, F1": _units,
}
