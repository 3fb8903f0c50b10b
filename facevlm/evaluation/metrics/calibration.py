"""Whether probabilities can be believed: as promises of being right, and as a forecast of how people vote.

Probabilities are (n, classes), rows summing to 1. A row of nan, or a sample whose label is missing, does not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from numpy.typing import ArrayLike, NDArray

from facevlm.errors import InputError
from facevlm.evaluation.metrics.measure import Measure, Rows, aligned, average, divided, tally
from facevlm.types import EMOTIONS, FaceAnalysis

BINS = 15
FLOOR = 1e-6  # the least probability an answer is taken to give, so that one rounded to none costs no infinity
OFF = 1e-3  # by which a row may miss the sum of 1, as rounded figures do


class Bin(NamedTuple):
    """One point of a reliability diagram."""

    low: float
    high: float
    sureness: float  # mean of the probabilities in it, nan where there are none
    success: float  # share of them that is right
    n: int


def probabilities(faces: Iterable[FaceAnalysis | None], classes: Sequence[str] = EMOTIONS) -> Rows:
    """(n, classes) what an answer gives each emotion, as a share of what it gives to these; nan where there is none."""
    told: list[Mapping[Any, float] | None] = [
        face.explanation.probabilities if face and face.explanation else None for face in faces
    ]
    rows = [[given.get(name, 0.0) if given else np.nan for name in classes] for given in told]
    return _whole(np.array(rows, np.float64).reshape(-1, len(classes)))


def surest(faces: Iterable[FaceAnalysis | None]) -> Rows:
    """The probability of the likeliest emotion of each face, nan where there is none."""
    told: Rows = probabilities(faces).max(1)
    return told


def calibration_error(sure: ArrayLike, right: ArrayLike, bins: int = BINS) -> Measure:
    """Expected calibration error (Guo et al., ICML 2017): the mean gap between sureness, the probability of the answer
    given, and success, over bins of equal width; from 0 to 1."""
    rows = _binned(sure, right, bins)

    def score(sums: Rows) -> Rows:
        promised, kept, count = np.split(sums, 3, -1)
        return divided(np.abs(promised - kept).sum(-1), count.sum(-1))

    return tally(rows, score, n=int(rows[:, 2 * bins :].sum()), better="lower")


def reliability(sure: ArrayLike, right: ArrayLike, bins: int = BINS) -> tuple[Bin, ...]:
    """The bins behind `calibration_error`, for a diagram (DeGroot & Fienberg, The Statistician, 1983)."""
    promised, kept, count = np.split(_binned(sure, right, bins).sum(0), 3)
    edges = np.linspace(0, 1, bins + 1)
    columns = np.stack([edges[:-1], edges[1:], divided(promised, count), divided(kept, count)], 1)
    rows = zip(*columns.T.tolist(), count.tolist(), strict=True)
    return tuple(Bin(low, high, sure, success, int(many)) for low, high, sure, success, many in rows)


def brier(forecast: ArrayLike, truth: ArrayLike) -> Measure:
    """Brier's score of forecasts of several classes (Monthly Weather Review, 1950): the squared distance to the truth,
    from 0 to 2. `truth` holds columns, −1 for a missing label."""
    given, labels = _forecast(forecast), np.asarray(truth, np.int64)
    aligned(forecast=given, truth=labels)
    target = labels[:, None] == np.arange(given.shape[1])
    squared = ((given - target) ** 2).sum(1)
    return average(np.where(labels >= 0, squared, np.nan), better="lower")


def divergence(forecast: ArrayLike, votes: ArrayLike) -> Measure:
    """Kullback & Leibler's divergence of the forecast from the votes (1951), in nats: 0 where they agree; what a
    forecast gives less than 1e-6 counts as that."""
    from scipy.special import rel_entr

    given, wanted = _against(forecast, votes)
    floored = np.maximum(given, FLOOR)
    return average(rel_entr(wanted, floored / floored.sum(1, keepdims=True)).sum(1), better="lower")


def earth_mover(forecast: ArrayLike, votes: ArrayLike, classes: Sequence[str] = EMOTIONS) -> Measure:
    """How far, on the wheel of emotions, what the forecast gives must be moved to become the votes (Rubner, Tomasi &
    Guibas, IJCV 2000; on a circle, Rabin, Delon & Gousseau, JMIV 2011): 0 where they agree, 1 for opposite emotions.

    The wheel has no place for neutral: what is given to it is left out of both, and faces on which half the votes or
    more are neutral, or all of the forecast, do not count.
    """
    given, wanted = _against(forecast, votes)
    turning = sorted((angle, list(classes).index(name)) for name, angle in wheel().items() if name in classes)
    angles, places = np.array([angle for angle, _ in turning]), [place for _, place in turning]
    told, true = given[:, places], wanted[:, places]
    expressive = (true.sum(1) > 0.5) & (told.sum(1) > 0)
    gap = np.cumsum(_whole(told) - _whole(true), 1)
    arcs = np.diff(angles, append=angles[0] + 360)
    moved = (np.abs(gap - _middle(gap, arcs)) * arcs).sum(1) / 180
    return average(np.where(expressive, moved, np.nan), better="lower")


@cache
def wheel() -> dict[str, float]:
    """Where each emotion is on the wheel, degrees; neutral is not on it."""
    content = yaml.safe_load((Path(__file__).parent / "wheel.yaml").read_text(encoding="utf-8"))
    return {name: float(angle) for name, angle in content["angles"].items()}


def _binned(sure: ArrayLike, right: ArrayLike, bins: int) -> Rows:
    """Of each bin what was promised, what was kept, and how many: (n, 3 · bins)."""
    promise, kept = np.asarray(sure, np.float64), np.asarray(right, np.float64)
    aligned(sure=promise, right=kept)
    if ((promise < 0) | (promise > 1)).any():
        raise InputError(f"{promise[(promise < 0) | (promise > 1)][0]} is no probability; give one from 0 to 1, or nan")
    edges = np.linspace(0, 1, bins + 1)[1:-1]
    known = ~(np.isnan(promise) | np.isnan(kept))
    cells = (np.digitize(promise, edges)[:, None] == np.arange(bins)) & known[:, None]
    value = np.nan_to_num(promise)[:, None]
    rows: Rows = np.concatenate([cells * value, cells * np.nan_to_num(kept)[:, None], cells], 1).astype(np.float64)
    return rows


def _forecast(table: ArrayLike) -> Rows:
    given = np.asarray(table, np.float64)
    sums = given.sum(1)
    wrong = np.flatnonzero((np.abs(sums - 1) > OFF) | (given < 0).any(1))
    if len(wrong):
        raise InputError(
            f"row {wrong[0] + 1} is no distribution: it sums to {sums[wrong[0]]:.3f}; give shares of 1, or nan"
        )
    return given


def _against(forecast: ArrayLike, votes: ArrayLike) -> tuple[Rows, Rows]:
    given, wanted = _forecast(forecast), _forecast(votes)
    aligned(forecast=given, votes=wanted)
    return given, wanted


def _whole(part: Rows) -> Rows:
    """Rows as shares of their sums."""
    return divided(part, part.sum(1, keepdims=True))


def _middle(gap: Rows, arcs: NDArray[np.float64]) -> Rows:
    """The median of each row, weighted by the arcs: the flow round the circle that costs the least. (n, 1)"""
    order = np.argsort(gap, 1)
    weight = arcs[order].cumsum(1)
    half = (weight >= arcs.sum() / 2).argmax(1)
    middle: Rows = np.take_along_axis(gap, np.take_along_axis(order, half[:, None], 1), 1)
    return middle
