"""What two runs over the same faces differ in: each figure with a paired interval, McNemar's test, and what flipped."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan
from pathlib import Path

import numpy as np

from facevlm.errors import InputError
from facevlm.evaluation import answers as answering
from facevlm.evaluation import intervals, keeping, pairing, run, tables
from facevlm.evaluation.answers import Answers
from facevlm.evaluation.figures import FIGURES
from facevlm.evaluation.suite import Suite
from facevlm.types import Emotion, Value


class Change(Value):
    """One figure in both runs, and the 95 % interval of the difference, faces or subjects resampled together."""

    metric: str
    of: str | None  # a class or an action unit; None: all
    before: float | None
    after: float | None
    change: float | None
    low: float | None
    high: float | None
    better: str


class Flip(Value):
    """A face of which one run is right and the other is not."""

    id: str
    truth: Emotion
    before: Emotion | None
    after: Emotion | None


class Comparison(Value):
    """Two runs, over the faces that both hold."""

    suite: str
    condition: str
    n: int
    only_before: int  # faces left out, as the other run does not hold them
    only_after: int
    changes: tuple[Change, ...]
    mcnemar: tuple[int, int, float] | None  # right only before, only after, two-sided p; None without labels
    flipped: tuple[Flip, ...]


def compare(before: Path, after: Path, condition: str | None = None) -> Comparison:
    """What changes from one run to another.

    Args:
        condition: by default the first of the suite of `before`.

    Raises:
        InputError: a folder holds no run, or they have no face or no condition in common.
    """
    suite = run.read(before).suite
    name = condition or suite.conditions[0].name
    one, other = _answers(before, name), _answers(after, name)
    mine, theirs = one.shared(other)
    if not len(mine):
        raise InputError(f"{before} and {after}: hold no labelled face in common; compare runs over the same data")
    if mine.truths != theirs.truths:
        raise InputError(f"{before} and {after}: label the same pictures differently; compare runs over the same data")
    right = [tables.right(suite, side) for side in (mine, theirs)]
    labelled = ~np.isnan(right[0])
    return Comparison(
        suite=suite.name,
        condition=name,
        n=len(mine),
        only_before=len(one) - len(mine),
        only_after=len(other) - len(mine),
        changes=tuple(_changes(suite, mine, theirs)),
        mcnemar=_mcnemar(*(side[labelled] == 1 for side in right)) if labelled.any() else None,
        flipped=tuple(_flips(mine, theirs, right[0], right[1])),
    )


def _answers(folder: Path, condition: str) -> Answers:
    found = answering.answers(keeping.lines(folder), condition)
    if not found.pictures:
        raise InputError(f"{folder}: holds no answers under the condition {condition!r}; give another with --condition")
    return found


def _changes(suite: Suite, before: Answers, after: Answers) -> Iterator[Change]:
    draws = {}
    for name, measure in pairing.changes(suite, before, after).items():
        if measure.size not in draws:
            draws[measure.size] = intervals.draw(measure.size, before.subjects if measure.size == len(before) else None)
        values = [np.reshape(FIGURES[name](suite, side).value, -1) for side in (before, after)]
        for place, (of, figure) in enumerate(intervals.figures(measure, draws[measure.size]).items()):
            yield Change(
                metric=name, of=of or None, before=_number(values[0][place]), after=_number(values[1][place]),
                change=_number(figure.value), low=_number(figure.low), high=_number(figure.high), better=measure.better,
            )  # fmt: skip


def _flips(before: Answers, after: Answers, was: tables.Table, is_: tables.Table) -> Iterator[Flip]:
    for place in np.flatnonzero((was + is_) == 1):
        one, other = before.of[place], after.of[place]
        truth = one.truth.emotion
        assert truth is not None  # it was right or wrong
        yield Flip(id=one.id, truth=truth, before=answering.concluded(one.face), after=answering.concluded(other.face))


def _mcnemar(one: np.ndarray, other: np.ndarray) -> tuple[int, int, float]:  # type: ignore[type-arg]
    found = intervals.mcnemar(one, other)
    return found.only_one, found.only_other, found.p


def _number(value: float) -> float | None:
    return None if isnan(value) else float(value)
