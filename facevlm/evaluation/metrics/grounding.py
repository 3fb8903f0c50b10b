"""Whose a claim is: how many faces are counted, and whether what is said of a number is said of the face in its box."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facevlm.evaluation.metrics.measure import Measure, aligned, average, rate, share, together
from facevlm.types import Box

IOU = 0.5  # from which a box is that of a face (Everingham et al., PASCAL VOC, IJCV 2010)


class Said(NamedTuple):
    """A face of a picture, and what is said of it or true of it: action units, or its emotion."""

    box: Box
    claims: Collection[Hashable]


def count_accuracy(counted: ArrayLike, true: ArrayLike) -> Measure:
    """The share of pictures whose faces are counted right; a count of nan, for no answer, is wrong."""
    told, known = _counts(counted, true)
    return rate(np.where(np.isnan(known), np.nan, told == known))


def count_error(counted: ArrayLike, true: ArrayLike) -> Measure:
    """The mean of how many faces the count is off, over the pictures whose faces are counted."""
    told, known = _counts(counted, true)
    return average(np.abs(told - known), better="lower")


def boxes(found: Sequence[Sequence[Box]], true: Sequence[Sequence[Box]], iou: float = IOU) -> Measure:
    """«recall», the share of faces whose box is found, and «precision», the share of boxes that are of a face; each box
    is one face's."""
    aligned(found=found, true=true)
    right = [(matched(one, other, iou) >= 0).sum() for one, other in zip(found, true, strict=True)]
    recall, precision = (share(right, [len(each) for each in sides]) for sides in (true, found))
    return together({"recall": recall, "precision": precision})


def claims(said: Sequence[Sequence[Said]], true: Sequence[Sequence[Said]], iou: float = IOU) -> Measure:
    """«right face», the share of claims made of a face of which they are true, among those true of some faces of the
    picture and not of others: only they can be on a wrong face. «nobody», the share of all claims true of no face.

    Faces are told apart by their boxes; what is said of a box that is no face's is on no right face.
    """
    aligned(said=said, true=true)
    parts = np.array([_claims(one, other, iou) for one, other in zip(said, true, strict=True)]).reshape(-1, 4)
    return together({"right face": share(parts[:, 0], parts[:, 1]), "nobody": share(parts[:, 2], parts[:, 3])})


def matched(found: Sequence[Box], true: Sequence[Box], iou: float = IOU) -> NDArray[np.int64]:
    """Which true box each found one is, −1 for none: as many pairs as overlap enough, and of these the closest."""
    from scipy.optimize import linear_sum_assignment

    places = np.full(len(found), -1)
    overlap = np.array([[one.iou(other) for other in true] for one in found]).reshape(len(found), len(true))
    close = overlap >= iou
    for row, column in zip(*linear_sum_assignment(close * (len(found) + overlap), maximize=True), strict=True):
        if close[row, column]:
            places[row] = column
    return places


def _counts(counted: ArrayLike, true: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    told, known = np.asarray(counted, np.float64), np.asarray(true, np.float64)
    aligned(counted=told, true=known)
    return told, known


def _claims(said: Sequence[Said], true: Sequence[Said], iou: float) -> tuple[int, int, int, int]:
    """Claims on the right face, claims that could be on a wrong one, claims true of nobody, and all."""
    whose = matched([face.box for face in said], [face.box for face in true], iou)
    made = [(claim, place) for face, place in zip(said, whose, strict=True) for claim in face.claims]
    shown = [sum(claim in face.claims for face in true) for claim, _ in made]
    telling = [pair for pair, faces in zip(made, shown, strict=True) if 0 < faces < len(true)]
    right = sum(place >= 0 and claim in true[place].claims for claim, place in telling)
    return right, len(telling), shown.count(0), len(made)
