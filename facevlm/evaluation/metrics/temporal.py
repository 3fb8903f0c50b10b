"""What happens on a face over time, told as a list of events, against a reference list."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from facevlm.evaluation.metrics.measure import Measure, aligned, average, together
from facevlm.evaluation.metrics.sequences import longest_matched

Same = Callable[[str, str], bool]


def events(
    told: Sequence[Sequence[str]], true: Sequence[Sequence[str]], same: Same = lambda one, other: one == other
) -> Measure:
    """Temporal event matching (FEC-Bench, arXiv 2501.07978) as two figures: «matched», the F1 of events told and true,
    each matched with at most one; «order», the longest sequence of matches in the same order, by the longer list.

    The paper weighs both into one by weights it does not state. `same` says whether two events are one: equal words, or
    the judgement of a classifier of entailment. A sample with no events on either side does not count.
    """
    aligned(told=told, true=true)
    each = np.array([_both(one, other, same) for one, other in zip(told, true, strict=True)]).reshape(-1, 2)
    return together({"matched": average(each[:, 0]), "order": average(each[:, 1])})


def _both(told: Sequence[str], true: Sequence[str], same: Same) -> tuple[float, float]:
    if not told and not true:
        return np.nan, np.nan
    alike = np.array([[same(one, other) for other in true] for one in told], bool).reshape(len(told), len(true))
    bits = [sum(1 << place for place in np.flatnonzero(column).tolist()) for column in alike.T]
    longest = longest_matched(bits, len(told))
    return 2 * _pairs(alike) / sum(alike.shape), longest / max(alike.shape)


def _pairs(alike: NDArray[np.bool_]) -> int:
    """The most events that can be matched, each with one."""
    from scipy.optimize import linear_sum_assignment

    return int(alike[linear_sum_assignment(alike, maximize=True)].sum())
