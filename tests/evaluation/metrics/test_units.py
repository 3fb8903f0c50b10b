"""Action units against their coding: scikit-learn, scipy, Shrout & Fleiss, and by hand."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score, roc_auc_score

from facevlm.errors import InputError
from facevlm.evaluation.metrics import mean, units

CODES = (1, 2, 4, 5, 6)
RNG = np.random.default_rng(0)
CLAIMED = RNG.random((400, 5)) < 0.3
TRUE = np.where(RNG.random((400, 5)) < 0.1, np.nan, RNG.random((400, 5)) < 0.4)  # a tenth was not coded
STRENGTH = RNG.random((400, 5)).round(1)  # with ties
KNOWN = ~np.isnan(TRUE)

# Six targets rated by four judges: Shrout & Fleiss 1979, table 2; their ICC(3,1) is .71.
JUDGES = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)


def test_f1_of_each_unit_is_scikit_learns_over_the_faces_that_were_coded() -> None:
    theirs = [f1_score(TRUE[KNOWN[:, k], k], CLAIMED[KNOWN[:, k], k]) for k in range(5)]
    measure = units.f1(CLAIMED, TRUE, CODES)
    assert measure.of == ("AU1", "AU2", "AU4", "AU5", "AU6")
    assert measure.value == pytest.approx(theirs, abs=1e-9)
    assert measure.counts == tuple(KNOWN.sum(0))


def test_f1_pooled_by_fold_is_the_mean_over_units_and_then_over_folds() -> None:
    fold = np.arange(400) % 3
    theirs = [
        np.mean(
            [f1_score(TRUE[each, k], CLAIMED[each, k]) for k in range(5) for each in [KNOWN[:, k] & (fold == number)]]
        )
        for number in range(3)
    ]
    assert units.mean_f1(CLAIMED, TRUE, CODES, folds=fold).value == pytest.approx(np.mean(theirs), abs=1e-9)


def test_without_folds_all_faces_are_pooled() -> None:
    assert units.mean_f1(CLAIMED, TRUE, CODES).value == pytest.approx(mean(units.f1(CLAIMED, TRUE, CODES)).value)


def test_two_units_by_hand() -> None:
    true = [[1, 0], [1, 0], [0, 1], [0, 0]]
    claimed = [[1, 0], [0, 1], [1, 0], [0, 0]]
    assert units.f1(claimed, true, (1, 2)).value.tolist() == [0.5, 0]
    assert units.mean_f1(claimed, true, (1, 2)).value == 0.25
    # Of the first fold AU1 is half found, 2·1/(1 + 2), and AU2 shown by none; of the second AU1 is, and AU2 is missed.
    first, second = 2 / 3, 0
    assert units.mean_f1(claimed, true, (1, 2), folds=["a", "a", "b", "b"]).value == pytest.approx((first + second) / 2)


def test_a_unit_nobody_shows_is_said_and_left_out_of_the_mean() -> None:
    claimed, true = [[1, 1], [0, 0]], [[1, 0], [0, 0]]
    measure = units.mean_f1(claimed, true, (1, 2))
    assert (measure.value, measure.notes) == (1, ("AU2: nobody shows it",))


def test_a_unit_nobody_shows_has_the_value_it_is_given() -> None:
    claimed, true = [[1, 0], [0, 0]], [[1, 0], [0, 0]]
    assert units.mean_f1(claimed, true, (1, 2), empty=0).value == 1 / 2
    assert units.f1(claimed, true, (1, 2), empty=1).value.tolist() == [1, 1]


def test_a_unit_nobody_shows_in_a_fold_is_said_with_the_fold() -> None:
    measure = units.mean_f1([[1], [0]], [[1], [0]], (12,), folds=[0, 1])
    assert (measure.value, measure.notes) == (1, ("fold 2: AU12: nobody shows it",))


def test_auc_is_scikit_learns() -> None:
    theirs = [roc_auc_score(TRUE[KNOWN[:, k], k], STRENGTH[KNOWN[:, k], k]) for k in range(5)]
    assert units.auc(STRENGTH, TRUE, CODES).value == pytest.approx(theirs, abs=1e-9)


def test_correlation_is_scipys() -> None:
    coded = np.where(KNOWN, STRENGTH + RNG.random((400, 5)), np.nan)
    theirs = [stats.pearsonr(STRENGTH[KNOWN[:, k], k], coded[KNOWN[:, k], k]).statistic for k in range(5)]
    assert units.pcc(STRENGTH, coded, CODES).value == pytest.approx(theirs, abs=1e-9)


def test_intraclass_correlation_is_that_of_the_analysis_of_variance() -> None:
    rng = np.random.default_rng(1)
    pair = rng.random((50, 1)) + rng.random((50, 2)) * 0.5
    grand, targets, raters = pair.mean(), pair.mean(1, keepdims=True), pair.mean(0)
    between = 2 * ((targets - grand) ** 2).sum() / 49
    rest = ((pair - targets - raters + grand) ** 2).sum() / 49
    measured = units.icc(pair[:, :1], pair[:, 1:], (12,)).value[0]
    assert measured == pytest.approx((between - rest) / (between + rest), abs=1e-9)


def test_intraclass_correlation_is_that_of_shrout_and_fleiss() -> None:
    """Of four judges ICC(3,1) is that of their pairs, each weighted by the variances of its two judges."""
    variance = JUDGES.var(0, ddof=1)
    pairs = list(combinations(range(4), 2))
    each = [units.icc(JUDGES[:, [a]], JUDGES[:, [b]], (12,)).value[0] for a, b in pairs]
    whole = np.average(each, weights=[variance[a] + variance[b] for a, b in pairs])
    assert whole == pytest.approx(0.7148407148407147, abs=1e-9)
    assert round(whole, 2) == 0.71


def test_intraclass_correlation_forgives_an_offset_and_not_a_scale() -> None:
    coded = np.array([[0.0], [1], [2], [3]])
    assert units.icc(coded + 1, coded, (12,)).value[0] == pytest.approx(1)
    assert units.icc(2 * coded, coded, (12,)).value[0] == pytest.approx(2 * 2 / (4 + 1))  # 2·cov / (var + var)
    assert units.pcc(2 * coded, coded, (12,)).value[0] == pytest.approx(1)


def test_an_intensity_that_does_not_vary_correlates_with_nothing_and_is_said() -> None:
    for metric in (units.pcc, units.icc):
        measure = metric([[0.1], [0.1], [0.1]], [[0.0], [1], [2]], (12,))
        assert measure.notes == ("AU12: does not vary",)
    assert np.isnan(units.pcc([[0.1], [0.1], [0.1]], [[0.0], [1], [2]], (12,)).value).all()
    assert np.isnan(units.icc([[0.1], [0.1]], [[2], [2]], (12,)).value).all()


def test_a_unit_that_was_not_measured_on_a_face_is_left_out_there() -> None:
    measure = units.pcc([[0.0], [1], [np.nan], [2]], [[0.0], [1], [7], [2]], (12,))
    assert (measure.value[0], measure.n) == (pytest.approx(1), 3)


def test_units_and_columns_must_match() -> None:
    with pytest.raises(InputError, match=r"told has the shape \(3, 2\), for 1 units"):
        units.f1(np.zeros((3, 2)), np.zeros((3, 2)), (12,))


def test_a_unit_is_claimed_whatever_came_of_its_check(face: Any) -> None:
    said = units.claimed([face(claims=[(12, "supported"), (4, "contradicted")]), None], (4, 6, 12))
    assert said.tolist() == [[True, False, True], [False, False, False]]
