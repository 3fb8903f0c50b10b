"""Action units on faces, against how they were coded: as present or not, and by intensity.

Columns are units. `true` is 1, 0, or nan where a unit was not coded on a face: EmotioNet's −1 and 999 are nan, not 0.
F1 is that of the positive class over all frames of a fold together, not video by video, and the mean over units is
unweighted, as DISFA and BP4D are reported (three folds, each subject in one).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facevlm.errors import InputError
from facevlm.evaluation.metrics.measure import Measure, Rows, aligned, divided, known_mean, tally, together
from facevlm.evaluation.metrics.ranking import auroc
from facevlm.types import AU_CODES, FaceAnalysis

CONSTANT = 1e-12  # a variance below it is none

Moments = Callable[[Rows, Rows, Rows], Rows]  # variances of both and covariance → figures


class _Coded(NamedTuple):
    """Units claimed or measured and coded, (n, units) each; nothing is known where nothing was coded."""

    told: Rows
    true: Rows
    known: NDArray[np.bool_]


def names(codes: Iterable[int]) -> tuple[str, ...]:
    """«AU12» for 12."""
    return tuple(f"AU{code}" for code in codes)


def claimed(faces: Iterable[FaceAnalysis | None], codes: Sequence[int] = AU_CODES) -> NDArray[np.bool_]:
    """(n, units) whether each is claimed of a face, on any side; nothing is of a face that was not found."""
    said = [{check.au for check in face.checks} if face else set() for face in faces]
    return np.array([[code in each for code in codes] for each in said], bool).reshape(-1, len(codes))


def f1(claimed: ArrayLike, true: ArrayLike, codes: Sequence[int] = AU_CODES, empty: float = np.nan) -> Measure:
    """F1 of each unit; `empty` for one that nobody shows, which is said in the notes and by default in no mean."""
    coded = _coded(claimed, true, codes)
    return tally(
        _found(coded),
        lambda sums: _f1(sums, len(codes), empty),
        n=_count(coded),
        of=names(codes),
        notes=_unseen(coded, codes),
        counts=coded.known.sum(0),
    )


def mean_f1(
    claimed: ArrayLike,
    true: ArrayLike,
    codes: Sequence[int] = AU_CODES,
    folds: ArrayLike | None = None,
    empty: float = np.nan,
) -> Measure:
    """The mean F1 of the units; where `folds` says in which fold each face is, of each fold, and then of the folds.

    A unit that nobody shows in a fold has `empty` there: nan leaves it out, 0 is scikit-learn's convention, and papers
    that do not say differ by it. The notes tell where that is so.
    """
    coded = _coded(claimed, true, codes)
    fold = np.zeros(len(coded.true), int) if folds is None else np.unique(np.asarray(folds), return_inverse=True)[1]
    aligned(true=coded.true, folds=fold)
    of_fold = fold[:, None] == np.arange(fold.max(initial=0) + 1)
    rows = (of_fold[:, :, None] * _found(coded)[:, None, :]).reshape(len(fold), -1)
    notes = [
        f"fold {number + 1}: {note}" if folds is not None else note
        for number, inside in enumerate(of_fold.T)
        for note in _unseen(_Coded(*(each[inside] for each in coded)), codes)
    ]

    def score(sums: Rows) -> Rows:
        return known_mean(known_mean(_f1(sums.reshape(len(sums), of_fold.shape[1], -1), len(codes), empty)))

    return tally(rows, score, n=_count(coded), notes=notes)


def auc(measured: ArrayLike, true: ArrayLike, codes: Sequence[int] = AU_CODES) -> Measure:
    """Of each unit the area under the ROC curve (see `ranking.auroc`) of what was measured or how surely it is claimed.
    It does not depend on a threshold, and varies less than F1 from split to split (arXiv 2604.02162)."""
    coded = _coded(measured, true, codes)
    parts = zip(names(codes), coded.told.T, np.where(coded.known, coded.true, np.nan).T, strict=True)
    return together({name: auroc(column, labels) for name, column, labels in parts})


def icc(measured: ArrayLike, coded: ArrayLike, codes: Sequence[int] = AU_CODES) -> Measure:
    """ICC(3,1) of each unit, measured against coded intensity in one unit of measure: how consistent two raters are, a
    constant offset between them forgiven (Shrout & Fleiss, Psychological Bulletin, 1979). Of two raters it is twice the
    covariance by the sum of variances."""
    return _moments(measured, coded, codes, lambda one, other, both: divided(2 * both, _unless_none(one + other)))


def pcc(measured: ArrayLike, coded: ArrayLike, codes: Sequence[int] = AU_CODES) -> Measure:
    """Pearson's correlation of each unit's measured and coded intensity."""
    return _moments(
        measured, coded, codes, lambda one, other, both: divided(both, np.sqrt(_unless_none(one) * _unless_none(other)))
    )


def _coded(told: ArrayLike, true: ArrayLike, codes: Sequence[int]) -> _Coded:
    given, labels = np.asarray(told, np.float64), np.asarray(true, np.float64)
    aligned(told=given, true=labels)
    for what, table in (("told", given), ("true", labels)):
        if table.shape[1:] != (len(codes),):
            raise InputError(f"{what} has the shape {table.shape}, for {len(codes)} units; give a column for each unit")
    return _Coded(given, labels, ~(np.isnan(given) | np.isnan(labels)))


def _count(coded: _Coded) -> int:
    return int(coded.known.any(1).sum())


def _found(coded: _Coded) -> Rows:
    """Of each unit what is right, claimed and true, (n, units · 3)."""
    told, true = ((each > 0) & coded.known for each in (coded.told, coded.true))
    return np.stack([told & true, told, true], 2).reshape(len(true), -1).astype(np.float64)


def _f1(sums: Rows, units: int, empty: float) -> Rows:
    right, told, true = np.moveaxis(sums.reshape(*sums.shape[:-1], units, 3), -1, 0)
    score: Rows = np.where(true > 0, divided(2 * right, told + true), empty)
    return score


def _unseen(coded: _Coded, codes: Sequence[int]) -> list[str]:
    shown = ((coded.true > 0) & coded.known).any(0)
    return [f"{name}: nobody shows it" for name, any_ in zip(names(codes), shown, strict=True) if not any_]


def _moments(measured: ArrayLike, true: ArrayLike, codes: Sequence[int], score: Moments) -> Measure:
    coded = _coded(measured, true, codes)
    one, other = (_centred(each, coded.known) for each in (coded.told, coded.true))
    rows = np.stack([coded.known, one, other, one * one, other * other, one * other], 2).reshape(len(one), -1)
    notes = [
        f"{name}: does not vary"
        for name, *columns in zip(names(codes), one.T, other.T, strict=True)
        if not all(column.any() for column in columns)
    ]

    def figures(sums: Rows) -> Rows:
        count, x, y, xx, yy, xy = np.moveaxis(sums.reshape(len(sums), len(codes), 6), -1, 0)
        return score(
            *(
                divided(square, count) - divided(a, count) * divided(b, count)
                for square, a, b in ((xx, x, x), (yy, y, y), (xy, x, y))
            )
        )

    return tally(rows, figures, n=_count(coded), of=names(codes), notes=notes, counts=coded.known.sum(0))


def _centred(table: Rows, known: NDArray[np.bool_]) -> Rows:
    """Each column about its mean, 0 where nothing is known, and all 0 where it does not vary."""
    values = np.where(known, table, np.nan)
    low, high = np.fmin.reduce(values, initial=np.inf), np.fmax.reduce(values, initial=-np.inf)
    centred: Rows = np.where(known & (high > low), table - known_mean(values.T), 0)
    return centred


def _unless_none(variance: Rows) -> Rows:
    return np.where(variance > CONSTANT, variance, 0)
