"""How well action units are measured: cases worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from facevlm.training.measurement.reliability import Reliability, best_threshold, reliability, true_differences
from facevlm.types import AU_CODES


def of(measured: list[tuple[float, float]], truth: list[tuple[float, float]], threshold: float = 0.2) -> Reliability:
    """Of AU 12, from (left, right) of each face; no other unit shows."""
    arrays = np.zeros((2, len(truth), 2, len(AU_CODES)), np.float32)
    arrays[0, ..., AU_CODES.index(12)] = measured
    arrays[1, ..., AU_CODES.index(12)] = truth
    return reliability(*arrays, threshold)[12]


def even(*strengths: float) -> list[tuple[float, float]]:
    """Faces that show it alike on both sides."""
    return [(each, each) for each in strengths]


def test_every_action_unit_is_told_of() -> None:
    assert tuple(reliability(np.zeros((3, 2, 24)), np.zeros((3, 2, 24)))) == AU_CODES


def test_a_measure_that_orders_all_faces_rightly_has_an_auc_of_one_and_a_reversed_one_of_zero() -> None:
    truth = even(0.0, 0.0, 0.5, 0.9)
    assert of(even(0.1, 0.2, 0.3, 0.4), truth).auc == 1
    assert of(even(0.4, 0.3, 0.2, 0.1), truth).auc == 0


def test_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    assert of(even(0.1, 0.3, 0.2, 0.4), even(0.0, 0.0, 0.5, 0.9)).auc == pytest.approx(3 / 4)


def test_a_trace_counts_neither_as_present_nor_as_absent() -> None:
    found = of(even(0.1, 0.9, 0.4), even(0.0, 0.1, 0.9))
    assert found.auc == 1
    assert found.present == 1


def test_f1_is_taken_at_the_threshold() -> None:
    measured, truth = even(0.1, 0.3, 0.2, 0.1), even(0.0, 0.0, 0.5, 0.9)
    assert of(measured, truth).f1 == pytest.approx(1 / 2)  # one right, one wrong, one missed: 2 / (2 + 1 + 1)
    assert of(measured, truth, threshold=0.1).f1 == pytest.approx(2 / 3)  # two right, two wrong
    assert of(measured, truth, threshold=0.5).f1 == 0


def test_correlation_is_with_the_true_intensity_traces_included() -> None:
    assert of(even(0.2, 0.4, 0.8), even(0.1, 0.3, 0.7)).correlation == pytest.approx(1)
    assert of(even(0.0, 1.0, 0.5), even(0.0, 0.5, 1.0)).correlation == pytest.approx(0.5)


def test_the_side_that_shows_more_speaks_for_the_face() -> None:
    assert of([(0.3, 0.3), (0.0, 0.4)], [(0.0, 0.0), (0.0, 0.9)]).auc == 1


def test_sides_are_the_share_of_one_sided_faces_whose_side_is_right() -> None:
    truth = [(0.9, 0.0), (0.9, 0.0), (0.0, 0.9), (0.0, 0.9), (0.9, 0.9), (0.0, 0.0)]
    measured = [(0.6, 0.5), (0.5, 0.6), (0.1, 0.3), (0.2, 0.3), (0.1, 0.9), (0.9, 0.1)]
    assert of(measured, truth).sides == pytest.approx(3 / 4)


def test_an_uneven_face_that_shows_it_on_both_sides_is_not_one_sided() -> None:
    assert math.isnan(of([(0.1, 0.9), (0.2, 0.1)], [(0.9, 0.3), (0.5, 0.5)]).sides)


def test_of_a_difference_of_the_sides_the_share_is_kept_that_is_true() -> None:
    measured, truth = np.zeros((2, 4, 2, len(AU_CODES)), np.float32)
    measured[:, :, AU_CODES.index(12)] = [(0.6, 0.2), (0.2, 0.6), (0.5, 0.1), (0.5, 0.1)]
    truth[:, :, AU_CODES.index(12)] = [(0.4, 0.0), (0.0, 0.4), (0.3, 0.3), (0.3, 0.3)]
    measured[:, 0, AU_CODES.index(4)] = 0.4  # a difference that is never there
    truth[:, 0, AU_CODES.index(2)] = 0.4  # and one that is never measured
    kept = dict(zip(AU_CODES, true_differences(measured, truth), strict=True))
    assert (kept[12], kept[4], kept[2]) == (pytest.approx(1 / 2), 0, 0)


def test_the_best_threshold_is_the_least_value_that_gives_the_highest_f1() -> None:
    measured = np.array([0.1, 0.2, 0.3, 0.4, 0.5], np.float32)
    assert best_threshold(measured, np.array([False, False, True, True, True])) == pytest.approx(0.3)
    # From 0.2 three of four are right and none is missed, 6/7; from 0.4 one is missed, 4/5.
    assert best_threshold(measured, np.array([False, True, False, True, True])) == pytest.approx(0.2)


def test_there_is_none_that_would_find_what_no_face_shows() -> None:
    assert best_threshold(np.ones(3, np.float32), np.zeros(3, bool)) == -math.inf


def test_without_faces_that_show_it_nothing_is_known() -> None:
    found = of(even(0.1, 0.2), even(0.0, 0.0))
    assert all(math.isnan(each) for each in (found.auc, found.f1, found.correlation, found.sides))
    assert found.present == 0


def test_without_faces_that_lack_it_neither_auc_nor_f1_are_known() -> None:
    found = of(even(0.4, 0.6), even(0.5, 0.9))
    assert math.isnan(found.auc)
    assert math.isnan(found.f1)
    assert found.present == 2
