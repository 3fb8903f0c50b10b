"""How well a score tells samples that are so from samples that are not: by the ROC curve, at all its thresholds or one.
With `unfamiliarity` as the score, how well faces of classes a model does not know are told from the rest.

`score` is higher for what is more likely so; samples whose score or label is nan do not count.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facevlm.evaluation.metrics.measure import Better, Measure, Rows, Weights, aligned, divided

CAUGHT = 0.95  # of what is so, where false alarms are counted


class _Sorted(NamedTuple):
    """Places of what is so and what is not, by rising score, and how many of the latter score less, or not more."""

    so: NDArray[np.int64]
    other: NDArray[np.int64]
    below: NDArray[np.int64]
    not_above: NDArray[np.int64]


def auroc(score: ArrayLike, so: ArrayLike) -> Measure:
    """The area under the ROC curve: how often a sample that is so scores above one that is not, ties counting half
    (Hanley & McNeil, Radiology, 1982). nan where all samples are of one kind."""
    return _ranked(score, so, _area, "higher")


def false_alarms(score: ArrayLike, so: ArrayLike) -> Measure:
    """FPR@95: the share of what is not so that scores at or above the highest threshold by which 95 % of what is so are
    caught (Liang, Li & Srikant, ODIN, ICLR 2018). nan where all samples are of one kind."""
    return _ranked(score, so, _alarms, "lower")


def unfamiliarity(forecast: ArrayLike) -> Rows:
    """How little a face seems to be of any known class, for `auroc` and `false_alarms` of unseen ones: what the
    likeliest class leaves of 1 (Hendrycks & Gimpel, ICLR 2017). (n, classes) → (n,)"""
    left: Rows = 1 - np.asarray(forecast, np.float64).max(1)
    return left


def _ranked(score: ArrayLike, so: ArrayLike, curve: Callable[[Weights, _Sorted], Rows], better: Better) -> Measure:
    scores, labels = np.asarray(score, np.float64), np.asarray(so, np.float64)
    aligned(score=scores, so=labels)
    known = ~(np.isnan(scores) | np.isnan(labels))
    order = np.argsort(scores, kind="stable")
    positive, negative = (order[(known & (labels == kind))[order]] for kind in (1, 0))
    sorted_ = _Sorted(
        positive,
        negative,
        np.searchsorted(scores[negative], scores[positive], "left"),
        np.searchsorted(scores[negative], scores[positive], "right"),
    )
    notes = () if len(positive) and len(negative) else ("all samples are of one kind: not defined",)
    return Measure(lambda weights: curve(weights, sorted_), len(scores), int(known.sum()), better=better, notes=notes)


def _area(weights: Weights, by_score: _Sorted) -> Rows:
    so, summed = weights.T[by_score.so], _summed(weights.T[by_score.other])
    won = summed[by_score.below] + summed[by_score.not_above]
    return divided((so * won).sum(0) / 2, so.sum(0) * summed[-1])


def _alarms(weights: Weights, by_score: _Sorted) -> Rows:
    so, summed = weights.T[by_score.so], _summed(weights.T[by_score.other])
    if not len(so):
        return np.full(len(weights), np.nan)
    caught = so[::-1].cumsum(0)
    enough = caught >= CAUGHT * caught[-1] * (1 - 1e-12)
    lowest = len(so) - 1 - enough.argmax(0)
    alarms = divided(summed[-1] - summed[by_score.below[lowest], np.arange(len(weights))], summed[-1])
    return np.where(caught[-1] > 0, alarms, np.nan)


def _summed(weights: Rows) -> Rows:
    """Running sums that begin with none: (n, r) → (n + 1, r)."""
    return np.concatenate([np.zeros((1, weights.shape[1])), weights.cumsum(0)])
