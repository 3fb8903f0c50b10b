"""How well action units are measured where the truth is known: by the area under the ROC curve, F1 and correlation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from facevlm.types import AU_CODES

PRESENT, ABSENT = 0.2, 0.05  # true intensities from which a unit is present (grade B), and below which it is absent


class Reliability(NamedTuple):
    """Of one action unit, over n faces by the side that shows more."""

    auc: float  # grade B or more against absent
    f1: float  # of measured at or above the threshold
    correlation: float  # Pearson's, with the true intensity, over all faces
    sides: float  # share of one-sided faces whose stronger side is right; nan where there are none
    present: int  # faces that show it


def reliability(
    measured: NDArray[np.float32], truth: NDArray[np.float32], threshold: float = PRESENT
) -> dict[int, Reliability]:
    """For each action unit, how well it is measured.

    Args:
        measured, truth: (n, 2, 24) intensities of AU_CODES, left and right.
    """
    return {code: _one(measured[..., row], truth[..., row], threshold) for row, code in enumerate(AU_CODES)}


def best_threshold(measured: NDArray[np.float32], shown: NDArray[np.bool_]) -> float:
    """The least of n values taken to show a unit, so that F1 is highest; −∞ where no face shows it."""
    from sklearn.metrics import precision_recall_curve

    if not shown.any():
        return float("-inf")
    precision, recall, thresholds = precision_recall_curve(shown, measured)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    return float(thresholds[f1[:-1].argmax()])


def true_differences(measured: NDArray[np.float32], truth: NDArray[np.float32]) -> NDArray[np.float32]:
    """(24,) of each action unit the share of a measured difference of the sides that is true, by least squares.

    Args:
        measured, truth: (n, 2, 24) intensities of AU_CODES, left and right.
    """
    apart, truly = measured[:, 0] - measured[:, 1], truth[:, 0] - truth[:, 1]
    shares: NDArray[np.float32] = (apart * truly).sum(0) / np.maximum((apart**2).sum(0), 1e-9)
    return shares.clip(0, 1).astype(np.float32)


def _one(measured: NDArray[np.float32], truth: NDArray[np.float32], threshold: float) -> Reliability:
    from sklearn.metrics import f1_score, roc_auc_score

    most, most_truly = measured.max(1), truth.max(1)
    shown, absent = most_truly >= PRESENT, most_truly < ABSENT
    clear = shown | absent
    both = shown.any() and absent.any()
    one_sided = shown & (truth.min(1) < ABSENT)
    right = (measured[one_sided, 0] > measured[one_sided, 1]) == (truth[one_sided, 0] > truth[one_sided, 1])
    return Reliability(
        auc=float(roc_auc_score(shown[clear], most[clear])) if both else float("nan"),
        f1=float(f1_score(shown[clear], most[clear] >= threshold)) if both else float("nan"),
        correlation=float(np.corrcoef(most, most_truly)[0, 1]) if most_truly.any() else float("nan"),
        sides=float(right.mean()) if one_sided.any() else float("nan"),
        present=int(shown.sum()),
    )
