from __future__ import annotations

import numpy as np
import pytest

from facevlm.matching.distributions import divergence, pooled, softmax


def test_a_softmax_sums_to_one_however_large_the_logits() -> None:
    assert softmax([[1000.0, 1000.0], [0.0, np.log(3)]]).tolist() == [[0.5, 0.5], pytest.approx([0.25, 0.75])]


def test_two_opinions_are_multiplied() -> None:
    # .6 × .2 = .12 and .4 × .8 = .32, as shares of .44
    assert pooled([[0.6, 0.4], [0.2, 0.8]], [1, 1]) == pytest.approx([0.12 / 0.44, 0.32 / 0.44])


def test_half_a_weight_takes_the_root_of_an_opinion() -> None:
    # √.16 = .4 and √.64 = .8, as shares of 1.2
    assert pooled([[0.16, 0.64, 0.2]], [0.5])[:2] == pytest.approx(np.array([0.4, 0.8]) / (1.2 + 0.2**0.5))


def test_an_opinion_of_no_weight_does_not_count() -> None:
    assert pooled([[0.6, 0.4], [0.0, 1.0]], [1, 0]) == pytest.approx([0.6, 0.4])


def test_one_opinion_alone_rules_nothing_out() -> None:
    assert pooled([[0.0, 1.0], [0.9, 0.1]], [1, 1])[0] > 0


def test_opinions_that_share_nothing_are_one_bit_apart_and_equal_ones_none() -> None:
    assert divergence([[1.0, 0.0], [0.3, 0.7]], [[0.0, 1.0], [0.3, 0.7]]).tolist() == pytest.approx([1.0, 0.0])


def test_a_sure_opinion_and_an_even_one_are_apart_by_what_is_worked_by_hand() -> None:
    # the middle is (.75, .25): (log2(1/.75) + .5 log2(.5/.75) + .5 log2(.5/.25)) / 2
    by_hand = (np.log2(4 / 3) + 0.5 * np.log2(2 / 3) + 0.5) / 2
    assert divergence([1.0, 0.0], [0.5, 0.5]) == pytest.approx(by_hand)


def test_the_distance_to_what_is_not_known_is_not_known() -> None:
    assert np.isnan(divergence([[np.nan, np.nan]], [[1.0, 0.0]])).all()
