"""Figures with their 95 % intervals: Wilson's for a share of what does not hang together, percentile bootstrap for the
rest, by subject where it is known who is in a picture; differences of two runs over the same pictures; McNemar's test.

Where all samples are right, or all wrong, every resample says so, and a bootstrap would promise to be certain. A share
then has Wilson's interval of so many subjects as there are, or of so many pictures; any other figure has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan, nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facevlm.errors import InputError
from facevlm.evaluation.metrics.measure import Measure, Rows, Trials, Weights

Z = 1.959963984540054  # of the standard normal, 97.5 %
RESAMPLES = 1000
AT_ONCE = 100  # draws that are scored together, for the memory they take
_POINT = 1e-9  # an interval no wider is a point


@dataclass(frozen=True)
class Figure:
    """A figure of n samples, and of each of several adapters where it is their mean."""

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
        ends = "no interval" if isnan(self.low) else f"{self.low:{sign}.3f}{dash}{self.high:{sign}.3f}"
        each = "".join(f"; {value:{sign}.3f}" for value in self.each)
        return f"{self.value:{sign}.3f} ({ends}{each})"

    def as_json(self) -> dict[str, object]:
        """Its fields, the value as «figure», null for no number; the figure of each of several adapters."""
        ends = {"figure": self.value, "low": self.low, "high": self.high}
        told: dict[str, object] = {name: None if isnan(value) else value for name, value in ends.items()}
        return told | {"n": self.n} | ({"each": list(self.each)} if self.each else {})


@dataclass(frozen=True)
class Draws:
    """Resamples of some samples, to be used for every measure of them: (r, n) uint16, how often each is drawn.

    A sample's draws lie side by side in memory, which makes sorting samples cheap.
    """

    counts: NDArray[np.uint16]
    of: NDArray[np.int64]  # (n,) whom each sample is of: its subject, or itself

    @property
    def clusters(self) -> int:
        """How many subjects there are, or samples where each stands for itself."""
        return len(np.unique(self.of))

    def __iter__(self) -> Iterator[Weights]:
        for start in range(0, len(self.counts), AT_ONCE):
            yield self.counts[start : start + AT_ONCE].astype(np.float64, order="F")


@dataclass(frozen=True)
class McNemar:
    """Two runs over the same samples: how often only one is right, only the other, and how likely that is by chance."""

    only_one: int
    only_other: int
    p: float  # two-sided


def draw(size: int, clusters: Sequence[object] | None = None, resamples: int = RESAMPLES, seed: int = 0) -> Draws:
    """Samples drawn with replacement, whole subjects at a time where `clusters` says who is in each.

    Faces of one person are alike, and frames of one video more so: drawn one by one they would promise too much
    (Cameron, Gelbach & Miller, Review of Economics and Statistics, 2008).
    """
    if clusters is not None and len(clusters) != size:
        raise InputError(f"{len(clusters)} subjects for {size} samples; give one for each sample")
    rng = np.random.default_rng(seed)
    if clusters is None:
        return Draws(_counts(rng, size, resamples), np.arange(size))
    _, of = np.unique(np.array([str(each) for each in clusters]), return_inverse=True)
    number = int(of.max(initial=-1)) + 1
    return Draws(_counts(rng, number, resamples).T[of].T, of.astype(np.int64))


def figure(measure: Measure, draws: Draws | None = None) -> Figure:
    """A measure with one figure, and its interval."""
    (only,) = figures(measure, draws).values()
    return only


def figures(measure: Measure, draws: Draws | None = None) -> dict[str, Figure]:
    """A measure's figures by their names, with their intervals; by «» where it has one.

    Args:
        draws: those of `draw` for the same samples; each sample stands for itself without them.

    Draws in which a figure is no number are left out of its interval; a single subject has none.
    """
    taken = draws or draw(measure.size)
    drawn = np.concatenate([measure.at(weights) for weights in _fitting(taken, measure)]).reshape(len(taken.counts), -1)
    values = np.reshape(measure.value, -1)
    low, high = _intervals(measure, drawn, taken)
    counts = measure.counts or (measure.n,) * len(values)
    return {
        name: Figure(float(value), float(from_), float(to), n)
        for name, value, from_, to, n in zip(measure.of or ("",), values, low, high, counts, strict=True)
    }


def difference(one: Measure, other: Measure, draws: Draws | None = None) -> Figure:
    """By how much a measure exceeds another of the same samples, which are resampled together."""
    return figure(paired(one, other), draws)


def differences(one: Measure, other: Measure, draws: Draws | None = None) -> dict[str, Figure]:
    """`difference` of each of their figures."""
    return figures(paired(one, other), draws)


def paired(one: Measure, other: Measure) -> Measure:
    """The difference of two measures of the same samples, as a measure."""
    if (one.size, one.of) != (other.size, other.of):
        raise InputError(f"measures of {one.size} and {other.size} samples; compare runs over the same samples")
    return Measure(
        lambda weights: one.at(weights) - other.at(weights), one.size, min(one.n, other.n), one.of, one.better,
        paired=True,
    )  # fmt: skip


def mean(figures: Sequence[Figure]) -> Figure:
    """The mean over several adapters asked about the same samples.

    Its interval is the mean of theirs: what one adapter owes to the choice of faces, the others owe to it too.
    """
    value, low, high = (float(np.mean([getattr(each, end) for each in figures])) for end in ("value", "low", "high"))
    differ = len({figure.value for figure in figures}) > 1 and not isnan(value)
    each = tuple(figure.value for figure in figures) if differ else ()
    return Figure(value, low, high, figures[0].n, each)


def wilson(hits: float, total: float) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, Journal of the American Statistical Association, 1927)."""
    p = hits / total
    middle, half = p + Z * Z / (2 * total), Z * sqrt(p * (1 - p) / total + Z * Z / (4 * total * total))
    low, high = ((middle + sign * half) / (1 + Z * Z / total) for sign in (-1, 1))
    return max(low, 0.0), min(high, 1.0)


def share(hits: int, total: int) -> Figure:
    """A share of things that do not depend on each other, with Wilson's interval."""
    return Figure(hits / total, *wilson(hits, total), total) if total else _NONE


def share_text(hits: int, total: int) -> str:
    """«0.900 (0.826–0.945; 90 of 100)»."""
    if not total:
        return "none"
    low, high = wilson(hits, total)
    return f"{hits / total:.3f} ({low:.3f}–{high:.3f}; {hits:,} of {total:,})"


def mcnemar(one: ArrayLike, other: ArrayLike) -> McNemar:
    """McNemar's exact test (Psychometrika, 1947) of two runs, each right or wrong about the same samples.

    It takes samples to stand for themselves; over faces of few subjects trust `difference` with draws by subject.
    """
    from scipy.stats import binomtest

    first, second = np.asarray(one, bool), np.asarray(other, bool)
    if len(first) != len(second):
        raise InputError(f"runs of {len(first)} and {len(second)} samples; compare runs over the same samples")
    mine, theirs = int((first & ~second).sum()), int((second & ~first).sum())
    return McNemar(mine, theirs, float(binomtest(mine, mine + theirs).pvalue) if mine + theirs else 1.0)


def _counts(rng: np.random.Generator, size: int, resamples: int) -> NDArray[np.uint16]:
    if not size:
        return np.zeros((resamples, 0), np.uint16)
    drawn = rng.integers(size, size=(resamples, size))
    return np.asfortranarray([np.bincount(row, minlength=size).astype(np.uint16) for row in drawn])


def _fitting(draws: Draws, measure: Measure) -> Draws:
    if draws.counts.shape[1] != measure.size:
        raise InputError(f"draws of {draws.counts.shape[1]} samples for a measure of {measure.size}; draw its own")
    return draws


def _intervals(measure: Measure, drawn: Rows, draws: Draws) -> Any:
    """The ends of the interval of each figure, (2, figures)."""
    return np.array([_interval(measure, place, column, draws) for place, column in enumerate(drawn.T)]).T


def _interval(measure: Measure, place: int, drawn: Rows, draws: Draws) -> tuple[float, float]:
    if draws.clusters < 2:
        return nan, nan
    trials = measure.trials.only(place) if measure.trials else None
    if trials and _independent(trials, draws):
        return wilson(trials.hits.sum(), trials.of.sum())
    low, high = _percentiles(drawn[~np.isnan(drawn)])
    if measure.paired or high - low > _POINT or isnan(low):
        return low, high
    return _of_subjects(trials, draws) if trials else (nan, nan)


def _independent(trials: Trials, draws: Draws) -> bool:
    """Whether a share is of samples that stand for themselves, each right or wrong."""
    once = np.isin(trials.hits, (0, 1)).all() and np.isin(trials.of, (0, 1)).all()
    return bool(once and trials.of.any() and draws.clusters == len(draws.of))


def _of_subjects(trials: Trials, draws: Draws) -> tuple[float, float]:
    """Wilson's interval as if each subject that counts were one trial; none for one subject or for no share."""
    subjects = len(np.unique(draws.of[trials.of[:, 0] > 0]))
    return wilson(trials.hits.sum() / trials.of.sum() * subjects, subjects) if subjects > 1 else (nan, nan)


def _percentiles(drawn: Rows) -> Any:
    return np.percentile(drawn, (2.5, 97.5)) if len(drawn) else (nan, nan)


Line = tuple[str, Figure, str]  # what, its figure, what it should be at least

_NONE = Figure(nan, nan, nan, 0)
