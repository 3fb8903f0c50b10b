"""Which emotion is concluded, against the label: all of it follows from the confusion matrix.

Labels are places in `classes`, −1 for none: an answer that is missing or outside the classes is wrong, a sample whose
label is missing does not count. Figures are shares from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facevlm.errors import InputError
from facevlm.evaluation.metrics.measure import Measure, Rows, Trials, aligned, divided, known_mean, tally
from facevlm.types import EMOTIONS, FaceAnalysis

Labels = NDArray[np.int64]

COMMON = EMOTIONS[:5]  # neutral, happiness, surprise, sadness, anger: the classes of FER+ validation with ≥ 100 faces


def labels(names: Iterable[str | None], classes: Sequence[str] = EMOTIONS) -> Labels:
    """The places of names in the classes, −1 for None and for what is not among them."""
    places = {name: place for place, name in enumerate(classes)}
    return np.array([-1 if name is None else places.get(name, -1) for name in names], np.int64)


def concluded(faces: Iterable[FaceAnalysis | None]) -> Labels:
    """The emotion of each face, a place in EMOTIONS; −1 where it was not found or told nothing of."""
    told = (face.explanation if face else None for face in faces)
    return labels(each.emotion if each else None for each in told)


def accuracy(guess: ArrayLike, truth: ArrayLike, classes: Sequence[str] = EMOTIONS) -> Measure:
    """The share that is right. The field also calls it weighted average recall (WAR)."""
    return _share(guess, truth, classes, lambda matrix: _right(matrix).sum(-1), lambda matrix: matrix.sum((-2, -1)))


def balanced_accuracy(guess: ArrayLike, truth: ArrayLike, classes: Sequence[str] = EMOTIONS) -> Measure:
    """The mean recall of the classes that occur (Brodersen et al., ICPR 2010): unweighted average recall, UAR
    (Schuller et al., INTERSPEECH 2009), is the same."""
    return _of_matrix(guess, truth, classes, lambda matrix: known_mean(_recall(matrix)))


def macro_f1(
    guess: ArrayLike, truth: ArrayLike, classes: Sequence[str] = EMOTIONS, over: Sequence[str] | None = None
) -> Measure:
    """The mean F1 of the classes, or of those in `over`; a class that is never right has 0, also where it never occurs.
    (Sokolova & Lapalme, Information Processing & Management, 2009; the mean of F1, not the F1 of means.)"""
    places = [list(classes).index(name) for name in over or classes]
    return _of_matrix(guess, truth, classes, lambda matrix: _f1(matrix)[..., places].mean(-1))


def present_macro_f1(guess: ArrayLike, truth: ArrayLike, classes: Sequence[str] = EMOTIONS) -> Measure:
    """The mean F1 of the classes that occur in the truth (as reported by NeuroGaze-Distill, arXiv 2509.11916): a model
    of eight classes is not charged for one that a data set does not have, but for every answer that falls into it."""
    return _of_matrix(
        guess, truth, classes, lambda matrix: known_mean(np.where(matrix.sum(-1) > 0, _f1(matrix), np.nan))
    )


def recall(guess: ArrayLike, truth: ArrayLike, classes: Sequence[str] = EMOTIONS) -> Measure:
    """Of each class, the share of its samples that is told; nan for a class that does not occur."""
    return _share(guess, truth, classes, _right, lambda matrix: matrix.sum(-1), of=classes)


def precision(guess: ArrayLike, truth: ArrayLike, classes: Sequence[str] = EMOTIONS) -> Measure:
    """Of each class, the share of its answers that is right; nan for a class that is never told."""
    return _share(guess, truth, classes, _right, lambda matrix: matrix[..., :-1].sum(-2), of=classes)


def f1(guess: ArrayLike, truth: ArrayLike, classes: Sequence[str] = EMOTIONS) -> Measure:
    """Of each class, the harmonic mean of precision and recall; 0 where nothing is right."""
    return _of_matrix(guess, truth, classes, _f1, of=classes)


def confusion(guess: ArrayLike, truth: ArrayLike, classes: Sequence[str] = EMOTIONS) -> NDArray[np.int64]:
    """How many samples of each class (row) are told as each (column, the last for no answer): (k, k + 1)."""
    rows = _rows(guess, truth, classes)
    counts: Labels = rows.sum(0).reshape(len(classes), -1).astype(np.int64)
    return counts


def _share(
    guess: ArrayLike,
    truth: ArrayLike,
    classes: Sequence[str],
    part: Callable[[Rows], Rows],
    whole: Callable[[Rows], Rows],
    of: Sequence[str] = (),
) -> Measure:
    """A share of the matrix, of whose own matrix each sample is a trial."""
    measure = _of_matrix(guess, truth, classes, lambda matrix: divided(part(matrix), whole(matrix)), of)
    each = _rows(guess, truth, classes).reshape(-1, len(classes), len(classes) + 1)
    hits, trials = (sums(each).reshape(len(each), -1) for sums in (part, whole))
    return replace(measure, trials=Trials(hits, trials))


def _of_matrix(
    guess: ArrayLike,
    truth: ArrayLike,
    classes: Sequence[str],
    score: Callable[[Rows], Rows],
    of: Sequence[str] = (),
) -> Measure:
    rows, many = _rows(guess, truth, classes), len(classes)
    counts = rows.sum(0).reshape(many, -1).sum(-1)
    notes = [f"{name}: does not occur in the truth" for name, count in zip(classes, counts, strict=True) if not count]
    return tally(
        rows,
        lambda sums: score(sums.reshape(*sums.shape[:-1], many, many + 1)),
        n=int(rows.sum()),
        of=of,
        notes=notes,
        counts=counts if of else (),
    )


def _rows(guess: ArrayLike, truth: ArrayLike, classes: Sequence[str]) -> Rows:
    """(n, k · (k + 1)): one 1 at the cell of the matrix that a sample falls into."""
    told, true = _places(guess, "guess", classes), _places(truth, "truth", classes)
    aligned(guess=told, truth=true)
    many = len(classes)
    cells = true * (many + 1) + np.where(told < 0, many, told)
    rows = np.zeros((len(true), many * (many + 1)))
    known = np.flatnonzero(true >= 0)
    rows[known, cells[known]] = 1
    return rows


def _places(labels: ArrayLike, what: str, classes: Sequence[str]) -> Labels:
    given = np.asarray(labels)
    wrong = np.flatnonzero(~((given >= -1) & (given < len(classes)) & (given == np.floor(given))))
    if len(wrong):
        raise InputError(
            f"{what}, row {wrong[0] + 1}: {given[wrong[0]]} is no class of {len(classes)}; give −1 for none"
        )
    places: Labels = given.astype(np.int64)
    return places


def _right(matrix: Rows) -> Rows:
    right: Rows = np.diagonal(matrix, axis1=-2, axis2=-1)
    return right


def _recall(matrix: Rows) -> Rows:
    return divided(_right(matrix), matrix.sum(-1))


def _f1(matrix: Rows) -> Rows:
    return np.nan_to_num(divided(2 * _right(matrix), matrix.sum(-1) + matrix[..., :-1].sum(-2)))
