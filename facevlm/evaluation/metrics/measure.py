"""What every metric gives: a measure of n samples that can be asked for under weights, and so be resampled.

A weight says how often a sample counts. Most measures are a score of sums, to which every sample adds a row of numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facevlm.errors import InputError

Rows = NDArray[np.float64]  # (n, k): what each of n samples adds to k sums
Weights = NDArray[np.float64]  # (r, n): how often each sample counts in each of r draws
Score = Callable[[Rows], Rows]  # sums (r, k) → figures (r,) or (r, len(of))
Better = Literal["higher", "lower"]


class Trials(NamedTuple):
    """What shares are counted from: of each sample how often it was so, and how often it could have been, (n, figures)
    each. A figure that is no share has none of either."""

    hits: Rows
    of: Rows

    def only(self, place: int) -> Trials:
        """Those of one figure."""
        return Trials(self.hits[:, [place]], self.of[:, [place]])


@dataclass(frozen=True)
class Measure:
    """A metric of `size` samples, of which `n` count: a sample whose label is missing is there, and counts for nothing.

    `of` names its figures where it has one for each class or action unit; `notes` says what is not defined or left out.
    """

    at: Callable[[Weights], Rows]  # (r, size) → (r,) or (r, len(of)); nan where it is not defined
    size: int
    n: int
    of: tuple[str, ...] = ()
    better: Better = "higher"
    notes: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()  # samples that count for each of `of`, where these differ
    trials: Trials | None = None  # of shares
    paired: bool = False  # a difference over the same samples: where they are answered alike, it is none

    @property
    def value(self) -> Any:
        """The metric with every sample counting once: a float, or (len(of),) float64."""
        figures = self.at(np.ones((1, self.size)))[0]
        return figures if self.of else float(figures)


def tally(
    rows: Rows,
    score: Score,
    *,
    n: int | None = None,
    of: Sequence[str] = (),
    better: Better = "higher",
    notes: Sequence[str] = (),
    counts: Sequence[int] = (),
    trials: Trials | None = None,
) -> Measure:
    """A score of what the samples add up to."""
    size = len(rows)
    return Measure(
        lambda weights: score(weights @ rows),
        size,
        size if n is None else n,
        tuple(of),
        better,
        tuple(notes),
        tuple(map(int, counts)),
        trials,
    )


def ratio(sums: Rows) -> Rows:
    """A part of a whole, nan where there is none: (…, 2) → (…)."""
    return divided(sums[..., 0], sums[..., 1])


def divided(part: Rows, whole: Rows) -> Rows:
    """Part by whole, nan where the whole is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient: Rows = np.where(whole > 0, part / whole, np.nan)
    return quotient


def known_mean(figures: Rows) -> Rows:
    """The mean over the last axis of what is a number, nan where nothing is."""
    known = ~np.isnan(figures)
    return divided(np.where(known, figures, 0).sum(-1), known.sum(-1))


def share(part: ArrayLike, whole: ArrayLike, *, better: Better = "higher", notes: Sequence[str] = ()) -> Measure:
    """The samples' parts together by their wholes together; samples without a whole do not count."""
    rows = np.stack([np.asarray(part, np.float64), np.asarray(whole, np.float64)], 1)
    trials = Trials(rows[:, :1], rows[:, 1:])
    return tally(rows, ratio, n=int((rows[:, 1] > 0).sum()), better=better, notes=notes, trials=trials)


def rate(so: ArrayLike, *, better: Better = "higher", notes: Sequence[str] = ()) -> Measure:
    """The share of samples of which something is so: 1, 0, or nan where it cannot be said."""
    each = np.asarray(so, np.float64)
    return share(np.nan_to_num(each), ~np.isnan(each), better=better, notes=notes)


def average(values: ArrayLike, *, better: Better = "higher", notes: Sequence[str] = ()) -> Measure:
    """The mean of what is a number."""
    return replace(rate(values, better=better, notes=notes), trials=None)


def mean(measure: Measure) -> Measure:
    """The mean of a measure's figures, those that are no number left out."""
    return replace(measure, at=lambda weights: known_mean(measure.at(weights)), of=(), counts=(), trials=None)


def one(measure: Measure, name: str) -> Measure:
    """One of a measure's figures. Raises InputError for a name that is not among them."""
    if name not in measure.of:
        raise InputError(f"{name!r} is not among {', '.join(measure.of)}; give one of these")
    place = measure.of.index(name)
    count = measure.counts[place] if measure.counts else measure.n
    trials = measure.trials.only(place) if measure.trials else None
    return replace(measure, at=lambda weights: measure.at(weights)[:, place], n=count, of=(), counts=(), trials=trials)


def together(measures: dict[str, Measure], *, better: Better = "higher") -> Measure:
    """Measures of the same samples, each with one figure, as one with all of them."""
    aligned(**{name: np.empty(each.size) for name, each in measures.items()})
    parts = list(measures.values())
    return Measure(
        lambda weights: np.stack([each.at(weights) for each in parts], -1),
        parts[0].size,
        max(each.n for each in parts),
        tuple(measures),
        better,
        tuple(f"{name}: {note}" for name, each in measures.items() for note in each.notes),
        tuple(each.n for each in parts),
        _beside([each.trials or _none(each.size) for each in parts]),
    )


def aligned(**columns: Any) -> None:
    """Raises InputError where what should be told of the same samples is of different numbers of them."""
    sizes = {name: len(column) for name, column in columns.items()}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise InputError(f"these are not of the same samples: {told}; give one for each sample")


def _beside(trials: Sequence[Trials]) -> Trials:
    return Trials(*(np.concatenate(each, 1) for each in zip(*trials, strict=True)))


def _none(size: int) -> Trials:
    return Trials(np.zeros((size, 1)), np.zeros((size, 1)))
