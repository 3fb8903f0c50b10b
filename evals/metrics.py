"""What is measured of answers, as rows of numbers that faces add up to and scores of their sums (see `intervals`)."""

from __future__ import annotations

import numpy as np
from intervals import Rows
from numpy.typing import NDArray

from facevlm.types import EMOTIONS, FaceAnalysis

Bools = NDArray[np.bool_]
Indices = NDArray[np.int64]  # of EMOTIONS; −1 for none

COMMON = range(5)  # neutral, happiness, surprise, sadness, anger: the classes of FER+ validation with ≥ 100 faces
BINS = 15


def found(claimed: Bools, true: Bools) -> Rows:
    """Of each class what is right, claimed and true: (n, classes) twice → (n, 3 · classes)."""
    rows: Rows = np.stack([claimed & true, claimed, true], 2).reshape(len(true), -1).astype(np.float64)
    return rows


def by_label(guess: Indices, truth: Indices, labels: range) -> Rows:
    """`found` of labels that exclude each other."""
    classes = np.array(labels)
    return found(guess[:, None] == classes, truth[:, None] == classes)


def f1(sums: Rows) -> Rows:
    """Positive-class F1 of each class, 0 where nothing is right; (…, 3 · classes) → (…, classes)."""
    right, claimed, true = np.moveaxis(sums.reshape(*sums.shape[:-1], -1, 3), -1, 0)
    score: Rows = 2 * right / np.maximum(claimed + true, 1)
    return score


def macro_f1(sums: Rows) -> Rows:
    """The mean of F1 over the classes."""
    score: Rows = f1(sums).mean(-1)
    return score


def ratio(sums: Rows) -> Rows:
    """A part of a whole, nan where there is none: (…, 2) → (…)."""
    whole = np.where(sums[..., 1] > 0, sums[..., 1], np.nan)
    share: Rows = sums[..., 0] / whole
    return share


def parts(part: NDArray[np.generic], whole: NDArray[np.generic]) -> Rows:
    """Rows for `ratio`."""
    return np.stack([part, whole], 1).astype(np.float64)


def sureness(sure: NDArray[np.float64], right: Bools) -> Rows:
    """Rows for `calibration_error`: of each bin of sureness what was promised, what was kept, and how many."""
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)[:, None] == np.arange(BINS)
    rows: Rows = np.concatenate([bins * sure[:, None], bins * right[:, None], bins], 1).astype(np.float64)
    return rows


def calibration_error(sums: Rows) -> Rows:
    """Expected calibration error (Guo et al., ICML 2017): the mean gap between sureness and success."""
    promised, kept, count = np.split(sums, 3, -1)
    error: Rows = np.abs(promised - kept).sum(-1) / count.sum(-1)
    return error


def concluded(faces: list[FaceAnalysis | None]) -> Indices:
    """The emotion of each face, −1 where it was not found or told nothing of."""
    told = (face.explanation if face else None for face in faces)
    return np.array([EMOTIONS.index(each.emotion) if each else -1 for each in told], np.int64)


def surest(faces: list[FaceAnalysis | None]) -> NDArray[np.float64]:
    """The probability of the likeliest emotion of each face, nan where there is none."""
    told = (face.explanation if face else None for face in faces)
    return np.array([max(each.probabilities.values()) if each and each.probabilities else np.nan for each in told])


def faithfulness(faces: list[FaceAnalysis | None]) -> Rows:
    """Of each face its claims that are supported, and those that could be measured."""
    verdicts = [[check.verdict for check in face.checks] if face else [] for face in faces]
    supported = np.array([each.count("supported") for each in verdicts])
    return parts(supported, supported + np.array([each.count("contradicted") for each in verdicts]))


def coverage(faces: list[FaceAnalysis | None]) -> Rows:
    """Of each face its claims that could be measured, and all."""
    return parts(faithfulness(faces)[:, 1], claims(faces))


def claims(faces: list[FaceAnalysis | None]) -> NDArray[np.int64]:
    """How many claims are made of each face."""
    return np.array([len(face.checks) if face else 0 for face in faces], np.int64)
