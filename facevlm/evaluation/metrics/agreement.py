"""Whether two answers about the same picture are the same: to another wording, of its mirror image, with and without
the explanation, or once another face's observations are forced on it. Labels are places in `classes`, −1 for no answer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import ArrayLike

from facevlm.evaluation.metrics.measure import (
    Measure,
    Rows,
    Trials,
    aligned,
    average,
    divided,
    rate,
    share,
    tally,
    together,
)
from facevlm.types import EMOTIONS


def agreement(one: ArrayLike, other: ArrayLike, classes: Sequence[str] = EMOTIONS) -> Measure:
    """«equal», the share of pairs of the same label; «kappa», how far that exceeds chance (Cohen, Educational and
    Psychological Measurement, 1960), nan where all labels are one. To give no answer agrees with nothing.
    """
    first, second = np.asarray(one, np.int64), np.asarray(other, np.int64)
    aligned(one=first, other=second)
    wide = len(classes) + 2  # and a place for no answer of either, that they never share
    cells = np.where(first < 0, wide - 2, first) * wide + np.where(second < 0, wide - 1, second)
    rows = np.eye(wide * wide)[cells] if len(cells) else np.zeros((0, wide * wide))
    same = np.stack([(first >= 0) & (first == second), np.zeros(len(first))], 1)  # kappa is no share
    trials = Trials(same, np.tile([1.0, 0.0], (len(first), 1)))
    return tally(
        rows, lambda sums: _equal_and_kappa(sums.reshape(len(sums), wide, wide)), of=("equal", "kappa"), trials=trials
    )


def overlap(one: Sequence[Collection[int] | None], other: Sequence[Collection[int] | None]) -> Measure:
    """The mean overlap of two sets of action units, intersection by union (Jaccard, 1912), 1 where both are empty. To
    give no answer, None, agrees with nothing. Where one side names no unit of any face, as under a prompt that asks for
    none, nothing counts.
    """
    aligned(one=one, other=other)
    if not any(one) or not any(other):
        return average(np.full(len(one), np.nan))
    return average([_shared(first, second) for first, second in zip(one, other, strict=True)])


def moved(before: ArrayLike, after: ArrayLike, forced: ArrayLike) -> Measure:
    """What becomes of conclusions when another face's observations are forced on an answer: «moved», the share that
    changes; «followed», the share that becomes `forced`, what those observations were said of, where that is another.
    An answer that cannot be read then (−1) neither moves nor follows."""
    old, new, wanted = (np.asarray(each, np.int64) for each in (before, after, forced))
    aligned(before=old, after=new, forced=wanted)
    readable, another = new >= 0, wanted != old
    follows = share((readable & another & (new == wanted)), another)
    return together({"moved": rate(readable & (new != old)), "followed": follows})


def _shared(one: Collection[int] | None, other: Collection[int] | None) -> float:
    if one is None or other is None:
        return 0.0
    either = {*one, *other}
    return len({*one} & {*other}) / len(either) if either else 1.0


def _equal_and_kappa(matrix: Rows) -> Rows:
    total = matrix.sum((1, 2))
    equal = divided(np.trace(matrix, axis1=1, axis2=2), total)
    chance = divided((matrix.sum(1) * matrix.sum(2)).sum(1), total**2)
    return np.stack([equal, divided(equal - chance, 1 - chance)], 1)
