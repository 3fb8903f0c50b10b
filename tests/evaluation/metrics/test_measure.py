"""Measures under weights, and put together."""

from __future__ import annotations

import numpy as np
import pytest

from facevlm.errors import InputError
from facevlm.evaluation.metrics import emotion, mean, measure, one
from facevlm.evaluation.metrics.measure import average, share, together

RNG = np.random.default_rng(0)
GUESS, TRUTH = RNG.integers(-1, 8, 100), RNG.integers(0, 8, 100)


def test_a_weight_is_how_often_a_sample_is_there() -> None:
    drawn = RNG.integers(100, size=100)
    weights = np.bincount(drawn, minlength=100)[None].astype(float)
    for metric in (emotion.macro_f1, emotion.balanced_accuracy, emotion.accuracy):
        assert metric(GUESS, TRUTH).at(weights)[0] == pytest.approx(metric(GUESS[drawn], TRUTH[drawn]).value)


def test_a_share_of_nothing_is_no_number() -> None:
    assert np.isnan(share([0, 0], [0, 0]).value)
    assert np.isnan(average([]).value)


def test_an_average_is_of_what_is_a_number() -> None:
    assert (average([1, np.nan, 2]).value, average([1, np.nan, 2]).n) == (1.5, 2)


def test_a_mean_leaves_out_what_is_no_number() -> None:
    recalls = emotion.recall([0, 1, 0], [0, 1, 1], ("calm", "glad", "sad"))
    assert mean(recalls).value == (1 + 1 / 2) / 2


def test_one_figure_is_taken_out_by_its_name() -> None:
    recalls = emotion.recall(GUESS, TRUTH)
    assert one(recalls, "fear").value == recalls.value[recalls.of.index("fear")]
    assert one(recalls, "fear").n == (recalls.of.index("fear") == TRUTH).sum()


def test_a_name_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(InputError, match="'joy' is not among neutral, happiness"):
        one(emotion.recall(GUESS, TRUTH), "joy")


def test_measures_of_other_samples_are_not_put_together() -> None:
    with pytest.raises(InputError, match="a 1, b 2"):
        together({"a": average([1]), "b": average([1, 2])})


def test_what_is_put_together_keeps_its_notes_by_name() -> None:
    both = together({"a": share([1], [1], notes=["half is missing"]), "b": average([1])})
    assert both.notes == ("a: half is missing",)


def test_a_column_that_is_short_is_named() -> None:
    with pytest.raises(InputError, match="guess 2, truth 3"):
        measure.aligned(guess=[1, 2], truth=[1, 2, 3])
