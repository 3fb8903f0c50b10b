from __future__ import annotations

from math import e, log

import numpy as np
import pytest
from numpy.typing import NDArray

from facevlm.matching import unseen
from facevlm.matching.matcher import Matcher
from facevlm.types import AU_CODES

TWO = np.array([[2.0, 0.0], [0.5, 0.5]])  # logits of a face that fits the first label, and of one that fits none


def showing(*units: int) -> NDArray[np.float32]:
    return np.array([[1.0 if each in units else 0.0 for each in AU_CODES]], np.float32)


def test_the_largest_logit_is_negated() -> None:
    assert unseen.largest_logit(TWO).tolist() == [-2.0, -0.5]


def test_the_energy_is_the_negated_log_of_all_logits_together() -> None:
    assert unseen.energy(TWO) == pytest.approx([-log(e**2 + 1), -(0.5 + log(2))])


def test_the_likeliest_label_is_taken_from_one() -> None:
    assert unseen.largest_probability(TWO) == pytest.approx([1 - e**2 / (e**2 + 1), 0.5])


def test_the_truest_label_is_taken_from_one() -> None:
    assert unseen.none_true([[0.9, 0.3], [0.2, 0.1]]) == pytest.approx([0.1, 0.8])


def test_a_smile_and_raised_cheeks_fit_happiness() -> None:
    assert unseen.against_units(["happiness"], showing(6, 12))[0] == 0


def test_a_wrinkled_nose_does_not_fit_happiness() -> None:
    # all of a smile is missing, and 1 of (1 + 1) is strange
    assert unseen.against_units(["happiness"], showing(9))[0] == pytest.approx((1 + 1 / 2) / 2)


def test_what_moves_in_a_neutral_face_is_strange_and_nothing_is_missing() -> None:
    assert unseen.against_units(["neutral", "neutral"], np.concatenate([showing(), showing(4, 15)])).tolist() == [
        0,
        pytest.approx((2 / 3) / 2),
    ]


def test_what_is_not_measured_is_neither_missing_nor_strange() -> None:
    nothing = np.full((1, len(AU_CODES)), np.nan, np.float32)
    assert unseen.against_units(["fear"], nothing)[0] == 0


def test_scores_are_put_together_in_their_own_deviations() -> None:
    spreads = {"one": unseen.Spread(mean=1, deviation=2), "other": unseen.Spread(mean=0, deviation=10)}
    # (5 − 1) / 2 = 2 and (10 − 0) / 10 = 1
    assert unseen.combined({"one": [5.0], "other": [10.0], "unused": [99.0]}, spreads)[0] == pytest.approx(1.5)


def test_a_spread_is_of_the_scores_given() -> None:
    found = unseen.spread([1.0, 3.0])
    assert (found.mean, found.deviation) == (2.0, 1.0)


def test_a_threshold_lets_its_share_of_known_faces_pass() -> None:
    scores = np.arange(101.0)
    assert unseen.threshold(scores, 0.95) == pytest.approx(95)


def test_a_fitted_rule_turns_away_what_scores_above_nearly_all_known_faces() -> None:
    known = {"energy": np.linspace(-1, 1, 101), "action units": np.linspace(0, 1, 101), "other": np.zeros(101)}
    rule = unseen.fitted(known, ("energy", "action units"))
    assert set(rule.spreads) == {"energy", "action units"}
    faces = {"energy": [0.0, 3.0], "action units": [0.5, 0.99]}
    assert unseen.unfit(rule, faces).tolist() == [False, True]
    assert unseen.unfit(rule, known).mean() == pytest.approx(0.05, abs=0.011)


def test_the_scores_of_faces_that_are_not_found_are_not_known() -> None:
    logits = np.array([[1.0, 0.0], [np.nan, np.nan]])
    found = unseen.scores(logits, np.zeros((2, len(AU_CODES))), ["happiness", "anger"])
    assert all(np.isnan(score).tolist() == [False, True] for score in found.values())
    assert set(unseen.COMBINED) <= set(found)


def test_a_matcher_without_a_rule_of_its_own_has_none(matcher: Matcher) -> None:
    assert unseen.rule(matcher) is None


def test_the_rule_a_matcher_brings_is_read(matcher: Matcher, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = unseen.Rule(spreads={"energy": unseen.Spread(mean=0, deviation=1)}, threshold=1.5)
    monkeypatch.setitem(matcher.facts, "unseen", rule.model_dump())
    assert unseen.rule(matcher) == rule
