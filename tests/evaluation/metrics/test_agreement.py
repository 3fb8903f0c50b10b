"""Pairs of answers: scikit-learn, a published example, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from facevlm.errors import InputError
from facevlm.evaluation import intervals
from facevlm.evaluation.metrics import agreement

RNG = np.random.default_rng(0)
ONE = RNG.integers(0, 8, 500)
OTHER = np.where(RNG.random(500) < 0.7, ONE, RNG.integers(0, 8, 500))


def test_kappa_is_scikit_learns() -> None:
    equal, kappa = agreement.agreement(ONE, OTHER).value
    assert equal == (ONE == OTHER).mean()
    assert kappa == pytest.approx(cohen_kappa_score(ONE, OTHER), abs=1e-9)


def test_twenty_pairs_by_hand() -> None:
    # Both say the first of 10 and the second of 4: 14/20 alike; by chance (13·13 + 7·7) / 400 = .545.
    one = [0] * 10 + [1] * 4 + [0] * 3 + [1] * 3
    other = [0] * 10 + [1] * 4 + [1] * 3 + [0] * 3
    assert agreement.agreement(one, other, ("yes", "no")).value == pytest.approx([0.7, (0.7 - 0.545) / (1 - 0.545)])


def test_where_all_labels_are_one_kappa_is_not_defined() -> None:
    equal, kappa = agreement.agreement([1, 1], [1, 1]).value
    assert equal == 1
    assert np.isnan(kappa)


def test_to_give_no_answer_agrees_with_nothing() -> None:
    assert agreement.agreement([-1, 0], [-1, 0]).value[0] == 1 / 2


def test_both_figures_have_an_interval() -> None:
    figures = intervals.figures(agreement.agreement(ONE, OTHER))
    assert set(figures) == {"equal", "kappa"}
    assert figures["kappa"].low < figures["kappa"].value < figures["kappa"].high


def test_a_conclusion_moves_or_follows() -> None:
    before, after, forced = [0, 0, 0, 0, 0], [1, 2, 0, -1, 0], [1, 1, 1, 1, 0]
    # Two of five become another; of the four whose forced label is another, one becomes it.
    assert agreement.moved(before, after, forced).value.tolist() == [2 / 5, 1 / 4]


def test_pairs_must_be_of_the_same_pictures() -> None:
    with pytest.raises(InputError, match="one 1, other 2"):
        agreement.agreement([0], [0, 1])


def test_sets_of_units_overlap_by_intersection_by_union() -> None:
    one, other = [{6, 12}, {4}, set(), {1}], [{12, 25}, {4}, set(), None]
    assert agreement.overlap(one, other).value == pytest.approx((1 / 3 + 1 + 1 + 0) / 4)


def test_a_side_that_was_not_asked_for_units_overlaps_with_nothing() -> None:
    assert np.isnan(agreement.overlap([{6, 12}, {4}], [set(), set()]).value)
