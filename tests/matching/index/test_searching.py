from __future__ import annotations

import numpy as np

from facevlm.matching.index.searching import LIKENESS, scores
from facevlm.types import AU_CODES

LIKENESSES = np.array([0.1, 0.5, 0.3], np.float32)


def units(*left_of_12: float) -> np.ndarray:
    found = np.zeros((len(left_of_12), 24, 2), np.float32)
    found[:, AU_CODES.index(12), 0] = left_of_12
    return found


def test_a_claimed_action_unit_is_looked_for_where_it_measures_most() -> None:
    found = scores("left lip corner raised", LIKENESSES, units(0.8, 0.1, 0.4))
    assert np.argsort(-found).tolist() == [0, 2, 1]


def test_likeness_decides_among_faces_that_measure_alike() -> None:
    found = scores("left lip corner raised", LIKENESSES, units(0.8, 0.8, 0.8))
    assert np.argsort(-found).tolist() == [1, 2, 0]


def test_an_unmeasured_unit_is_looked_for_by_likeness_alone() -> None:
    found = scores("left lip corner raised", LIKENESSES, units(np.nan, np.nan, np.nan))
    np.testing.assert_allclose(found, LIKENESS * LIKENESSES)


def test_any_other_text_is_looked_for_by_likeness() -> None:
    np.testing.assert_allclose(scores("a happy face", LIKENESSES, units(0.8, 0.1, 0.4)), LIKENESSES)
