"""Faces found by a text: by likeness, and where the text claims an action unit, by what was measured of it first.

A matcher learns rare moves poorly; the measurement sees them well, and is what a claim is checked against.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facevlm.matching import captions

LIKENESS = 0.25  # weight of a cosine beside a measured strength: it decides among faces that measure alike


def scores(text: str, likeness: NDArray[np.float32], units: NDArray[np.float32]) -> NDArray[np.float32]:
    """How well each face fits a text, (n,); higher is better.

    Args:
        text: what is looked for.
        likeness: (n,) cosines of the faces with the text.
        units: (n, 24, 2) measured strengths of their action units in 0–1, left and right; NaN where unmeasured.
    """
    claim = captions.read(text)
    if claim is None:
        return likeness
    return np.asarray(np.nan_to_num(captions.strength(claim, units)) + LIKENESS * likeness, np.float32)
