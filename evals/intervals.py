"""Figures with their 95 % intervals: Wilson's for a share of faces, percentile bootstrap over faces for the rest.

What is pooled over faces is a score of sums: every face adds a row of numbers, and a resample adds up other faces.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isnan, nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Z = 1.96
RESAMPLES = 1000

Rows = NDArray[np.float64]  # (n, k): what each of n faces adds to the k sums
Score = Callable[[Rows], Any]  # sums (…, k) → figures (…)


@dataclass(frozen=True)
class Figure:
    """A figure of n faces, and of each of several adapters where it is their mean."""

    value: float
    low: float
    high: float
    n: int
    each: tuple[float, ...] = ()

    def __str__(self) -> str:
        return self.text("")

    def text(self, sign: str) -> str:
        """«0.838 (0.824–0.851)», with the figures of each adapter; `sign` «+» for a difference."""
        if isnan(self.value):
            return "–"
        dash = " to " if sign else "–"
        each = "".join(f"; {value:{sign}.3f}" for value in self.each)
        return f"{self.value:{sign}.3f} ({self.low:{sign}.3f}{dash}{self.high:{sign}.3f}{each})"

    def as_json(self) -> dict[str, object]:
        """Its fields under the names of metrics.json, null for no number; the figure of each of several adapters."""
        ends = {"figure": self.value, "low": self.low, "high": self.high}
        told: dict[str, object] = {name: None if isnan(value) else value for name, value in ends.items()}
        return told | {"n": self.n} | ({"each": list(self.each)} if self.each else {})


def wilson(hits: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    p = hits / total
    middle, half = p + Z * Z / (2 * total), Z * sqrt(p * (1 - p) / total + Z * Z / (4 * total * total))
    low, high = ((middle + sign * half) / (1 + Z * Z / total) for sign in (-1, 1))
    return max(low, 0.0), min(high, 1.0)


def share(hits: int, total: int) -> Figure:
    """A share of things that do not depend on each other."""
    return Figure(hits / total, *wilson(hits, total), total) if total else _NONE


def share_text(hits: int, total: int) -> str:
    """«0.900 (0.826–0.945; 90 of 100)»."""
    if not total:
        return "none"
    low, high = wilson(hits, total)
    return f"{hits / total:.3f} ({low:.3f}–{high:.3f}; {hits:,} of {total:,})"


def resampled(score: Score, rows: Rows) -> Figure:
    """A score of what n faces add up to."""
    if not len(rows):
        return _NONE
    faces = np.full(len(rows), 1 / len(rows))
    drawn = score(np.random.default_rng(0).multinomial(len(rows), faces, RESAMPLES) @ rows)
    known = drawn[~np.isnan(drawn)]
    low, high = np.percentile(known, (2.5, 97.5)) if len(known) else (nan, nan)
    return Figure(float(score(rows.sum(0))), float(low), float(high), len(rows))


def difference(score: Score, rows: Rows, other: Rows) -> Figure:
    """By how much a score exceeds another of the same faces, which are resampled together."""
    wide = rows.shape[1]
    return resampled(lambda sums: score(sums[..., :wide]) - score(sums[..., wide:]), np.hstack([rows, other]))


def mean(figures: Sequence[Figure]) -> Figure:
    """The mean over several adapters asked about the same faces.

    Its interval is the mean of theirs: what one adapter owes to the choice of faces, the others owe to it too.
    """
    value, low, high = (float(np.mean([getattr(each, end) for each in figures])) for end in ("value", "low", "high"))
    differ = len({figure.value for figure in figures}) > 1 and not isnan(value)
    each = tuple(figure.value for figure in figures) if differ else ()
    return Figure(value, low, high, figures[0].n, each)


Line = tuple[str, Figure, str]  # what, its figure, what it should be at least

_NONE = Figure(nan, nan, nan, 0)
