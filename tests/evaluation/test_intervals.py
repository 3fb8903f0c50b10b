"""Figures and their intervals: scipy's, and cases worked by hand."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest
from scipy.stats import binomtest, bootstrap

from facevlm.errors import InputError
from facevlm.evaluation import intervals
from facevlm.evaluation.intervals import Figure
from facevlm.evaluation.metrics import emotion
from facevlm.evaluation.metrics.measure import average, rate, share


def test_a_share_has_wilsons_interval() -> None:
    theirs = binomtest(90, 100).proportion_ci(method="wilson")
    assert intervals.wilson(90, 100) == pytest.approx((theirs.low, theirs.high), abs=1e-9)
    assert intervals.share_text(90, 100) == "0.900 (0.826–0.945; 90 of 100)"
    assert intervals.share_text(1900, 2000) == "0.950 (0.940–0.959; 1,900 of 2,000)"


def test_a_share_of_none_or_all_stays_within_0_and_1() -> None:
    assert intervals.wilson(0, 10)[0] == 0
    assert 1 - 1e-9 < intervals.wilson(10, 10)[1] <= 1


def test_a_share_of_nothing_is_no_figure() -> None:
    assert intervals.share_text(0, 0) == "none"
    assert isnan(intervals.share(0, 0).value)
    assert str(intervals.share(0, 0)) == "–"


def test_a_share_by_bootstrap_has_about_the_interval_that_wilson_gives() -> None:
    figure = intervals.figure(average(np.arange(1000) < 800))
    assert figure.value == 0.8
    assert (figure.low, figure.high) == pytest.approx(intervals.wilson(800, 1000), abs=0.006)


def test_the_interval_is_about_scipys() -> None:
    values = np.random.default_rng(0).exponential(size=300)
    theirs = bootstrap((values,), np.mean, method="percentile", rng=1).confidence_interval
    figure = intervals.figure(average(values))
    assert (figure.low, figure.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_the_same_draws_give_the_same_interval() -> None:
    values = np.random.default_rng(0).random(100)
    assert intervals.figure(average(values)) == intervals.figure(average(values), intervals.draw(100))


def test_faces_of_one_subject_are_drawn_together() -> None:
    right = np.repeat(np.arange(20) < 10, 10)  # 20 subjects, 10 faces each, all alike
    subjects = np.repeat(np.arange(20), 10)
    alone = intervals.figure(average(right))
    together = intervals.figure(average(right), intervals.draw(200, subjects))
    assert together.value == alone.value
    assert together.high - together.low > 2.5 * (alone.high - alone.low)


def test_subjects_of_different_size_weigh_by_their_faces() -> None:
    draws = intervals.draw(5, ["a", "a", "a", "b", "c"])
    assert draws.clusters == 3
    assert (draws.counts[:, 0] == draws.counts[:, 2]).all()
    assert (draws.counts[:, [0, 3, 4]].sum(1) == 3).all()


def test_one_subject_gives_no_interval() -> None:
    figure = intervals.figure(average([0, 1, 1, 1]), intervals.draw(4, ["a"] * 4))
    assert str(figure) == "0.750 (no interval)"


def test_what_no_resample_has_is_left_out_of_the_interval() -> None:
    figure = intervals.figure(share([3, 1, 0], [4, 4, 0]))
    assert (figure.low, figure.value, figure.high) == (0.25, 0.5, 0.75)


def test_a_share_of_faces_that_stand_for_themselves_has_wilsons_interval() -> None:
    right = np.arange(12) < 9
    told = (intervals.figure(rate(right)), intervals.figure(emotion.accuracy(np.where(right, 0, 1), [0] * 12)))
    assert [(each.low, each.high) for each in told] == [intervals.wilson(9, 12)] * 2


def test_all_right_is_not_certain() -> None:
    figures = intervals.figures(emotion.recall([0] * 12, [0] * 12, ("calm", "glad")))
    assert str(figures["calm"]) == "1.000 (0.758–1.000)"
    assert str(figures["glad"]) == "–"


def test_all_right_of_few_subjects_is_as_uncertain_as_they_are_few() -> None:
    figure = intervals.figure(rate([1] * 40), intervals.draw(40, np.repeat(np.arange(4), 10)))
    assert (figure.low, figure.high) == intervals.wilson(4, 4)


def test_a_share_that_counts_several_times_in_a_picture_is_as_uncertain_as_pictures_are_few() -> None:
    figure = intervals.figure(share([5, 7, 0], [5, 7, 0]))
    assert (figure.low, figure.high) == intervals.wilson(2, 2)


def test_a_class_of_one_subject_has_no_interval() -> None:
    recall = emotion.recall([0, 1, 1], [0, 1, 1], ("calm", "glad"))
    figures = intervals.figures(recall, intervals.draw(3, ["ann", "ben", "ben"]))
    assert all(isnan(each.low) for each in figures.values())


def test_what_is_no_share_has_no_interval_where_all_samples_are_alike() -> None:
    assert str(intervals.figure(emotion.macro_f1([0, 1] * 6, [0, 1] * 6, ("calm", "glad")))) == "1.000 (no interval)"
    assert str(intervals.figure(average([3.0] * 12))) == "3.000 (no interval)"


def test_no_samples_give_no_figure() -> None:
    figure = intervals.figure(average([]))
    assert (str(figure), figure.n) == ("–", 0)


def test_each_class_has_its_figure() -> None:
    figures = intervals.figures(emotion.recall([0, 0, 1, 0], [0, 0, 1, 1], ("calm", "glad")))
    assert {name: (each.value, each.n) for name, each in figures.items()} == {"calm": (1, 2), "glad": (1 / 2, 2)}


def test_a_score_that_does_not_differ_face_by_face_differs_by_nothing() -> None:
    measure = average(np.random.default_rng(0).random(300) < 0.7)
    figure = intervals.difference(measure, measure)
    assert (figure.low, figure.value, figure.high) == (0, 0, 0)


def test_a_paired_difference_is_of_the_same_faces() -> None:
    right = np.arange(400) < 300
    better = right | (np.arange(400) >= 380)
    figure = intervals.difference(average(better), average(right))
    assert figure.value == pytest.approx(0.05)
    assert 0.02 < figure.low < 0.05 < figure.high < 0.08  # unpaired, ±0.06 would hold zero
    assert figure.text("+").startswith("+0.050 (+0.0")


def test_differences_are_of_each_class() -> None:
    runs = [emotion.recall(guess, [0, 1], ("calm", "glad")) for guess in ([0, 1], [0, 0])]
    assert {name: each.value for name, each in intervals.differences(*runs).items()} == {"calm": 0, "glad": 1}


def test_runs_over_other_pictures_are_not_compared() -> None:
    with pytest.raises(InputError, match="measures of 2 and 3 samples"):
        intervals.difference(average([0, 1]), average([0, 1, 1]))
    with pytest.raises(InputError, match="runs of 2 and 3 samples"):
        intervals.mcnemar([0, 1], [0, 1, 1])


def test_draws_must_be_of_the_same_samples() -> None:
    with pytest.raises(InputError, match="draws of 3 samples for a measure of 2"):
        intervals.figure(average([0, 1]), intervals.draw(3))
    with pytest.raises(InputError, match="1 subjects for 2 samples"):
        intervals.draw(2, ["a"])


def test_mcnemars_test_is_of_the_answers_that_differ() -> None:
    one = [True] * 15 + [False] * 5 + [True] * 30
    other = [False] * 15 + [True] * 5 + [True] * 30
    found = intervals.mcnemar(one, other)
    assert (found.only_one, found.only_other) == (15, 5)
    # Twice the chance that a coin thrown 20 times falls heads at most 5 times: 2 · 21,700 / 2²⁰.
    assert found.p == pytest.approx(2 * 21_700 / 2**20, abs=1e-9)


def test_runs_that_do_not_differ_may_well_be_alike() -> None:
    assert intervals.mcnemar([1, 0], [1, 0]).p == 1


def test_the_mean_of_several_adapters_tells_the_figure_of_each() -> None:
    mean = intervals.mean([Figure(0.8, 0.78, 0.82, 100), Figure(0.9, 0.88, 0.92, 100)])
    assert str(mean) == "0.850 (0.830–0.870; 0.800; 0.900)"
    assert mean.as_json()["each"] == [0.8, 0.9]


def test_one_adapter_is_told_once() -> None:
    one = Figure(0.8, 0.78, 0.82, 100)
    assert str(intervals.mean([one])) == "0.800 (0.780–0.820)"
    assert intervals.mean([one]).as_json() == {"figure": 0.8, "low": 0.78, "high": 0.82, "n": 100}


def test_no_number_is_null_in_json() -> None:
    nothing = intervals.mean([intervals.share(0, 0), intervals.share(0, 0)])
    assert nothing.as_json() == {"figure": None, "low": None, "high": None, "n": 0}
