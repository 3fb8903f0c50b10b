"""What faces add up to, on cases worked by hand."""

from __future__ import annotations

from typing import Any

import metrics
import numpy as np
import pytest

from facevlm.types import EMOTIONS


def test_macro_f1_counts_a_class_that_is_never_right_as_zero() -> None:
    truth = np.array([0, 0, 1, 1])
    guess = np.array([0, 0, 1, -1])  # the last face was not found
    rows = metrics.by_label(guess, truth, range(8))
    assert metrics.macro_f1(rows.sum(0)) == pytest.approx((1 + 2 / 3) / 8)


def test_f1_of_claims_is_that_of_the_positive_class() -> None:
    true = np.array([[True, False], [True, False], [False, True], [False, False]])
    claimed = np.array([[True, False], [False, True], [True, False], [False, False]])
    assert metrics.f1(metrics.found(claimed, true).sum(0)) == pytest.approx([0.5, 0])


def test_a_face_that_was_not_found_concludes_nothing(face: Any) -> None:
    unexplained = face().model_copy(update={"explanation": None})
    assert metrics.concluded([face("anger"), None, unexplained]).tolist() == [EMOTIONS.index("anger"), -1, -1]


def test_calibration_error_is_the_gap_between_sureness_and_success() -> None:
    sure, right = np.full(10, 0.8), np.arange(10) < 10
    assert metrics.calibration_error(metrics.sureness(sure, right).sum(0)) == pytest.approx(0.2)
    sure, right = np.array([0.9] * 10 + [0.5] * 10), np.array([True] * 9 + [False] + [True] * 5 + [False] * 5)
    assert metrics.calibration_error(metrics.sureness(sure, right).sum(0)) == pytest.approx(0)


def test_full_sureness_falls_into_the_last_bin(face: Any) -> None:
    assert metrics.surest([face(sure=1.0), None]).tolist()[0] == 1.0
    rows = metrics.sureness(np.array([1.0]), np.array([True]))
    assert metrics.calibration_error(rows.sum(0)) == 0


def test_faithfulness_is_of_claims_that_could_be_measured(face: Any) -> None:
    faces = [face(verdicts=[(12, "supported"), (4, "contradicted"), (11, "unmeasurable")]), face(), None]
    assert metrics.faithfulness(faces).tolist() == [[1, 2], [0, 0], [0, 0]]
    assert metrics.coverage(faces).tolist() == [[2, 3], [0, 0], [0, 0]]
    assert metrics.claims(faces).tolist() == [3, 0, 0]


def test_a_ratio_of_nothing_is_no_number() -> None:
    assert np.isnan(metrics.ratio(np.zeros(2)))
