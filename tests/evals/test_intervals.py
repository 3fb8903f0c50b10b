"""Figures and their intervals, on cases worked by hand."""

from __future__ import annotations

from math import isnan

import intervals
import metrics
import numpy as np
import pytest
from intervals import Figure


def test_a_share_has_wilsons_interval() -> None:
    assert intervals.wilson(90, 100) == pytest.approx((0.8256, 0.9448), abs=1e-4)  # Wilson 1927, by hand
    assert intervals.share_text(90, 100) == "0.900 (0.826–0.945; 90 of 100)"
    assert intervals.share_text(1900, 2000) == "0.950 (0.940–0.959; 1,900 of 2,000)"


def test_a_share_of_nothing_is_no_figure() -> None:
    assert intervals.share_text(0, 0) == "none"
    assert isnan(intervals.share(0, 0).value)
    assert str(intervals.share(0, 0)) == "–"


def test_a_share_by_bootstrap_has_about_the_interval_that_wilson_gives() -> None:
    rows = metrics.parts(np.arange(1000) < 800, np.ones(1000))
    figure = intervals.resampled(metrics.ratio, rows)
    assert figure.value == 0.8
    assert (figure.low, figure.high) == pytest.approx(intervals.wilson(800, 1000), abs=0.005)


def test_claims_of_one_face_count_as_one_draw() -> None:
    each = metrics.parts(np.arange(200) < 100, np.ones(200))
    alone, grouped = (intervals.resampled(metrics.ratio, rows) for rows in (each, each.reshape(20, 10, 2).sum(1)))
    assert grouped.value == alone.value
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)


def test_what_no_resample_has_is_left_out_of_the_interval() -> None:
    figure = intervals.resampled(metrics.ratio, np.array([[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]))
    assert (figure.low, figure.value, figure.high) == (1, 1, 1)


def test_a_score_that_does_not_differ_face_by_face_differs_by_nothing() -> None:
    rows = metrics.parts(np.random.default_rng(0).random(300) < 0.7, np.ones(300))
    figure = intervals.difference(metrics.ratio, rows, rows)
    assert (figure.low, figure.value, figure.high) == (0, 0, 0)


def test_a_paired_difference_is_of_the_same_faces() -> None:
    right = np.arange(400) < 300
    better = right | (np.arange(400) >= 380)
    one, other = (metrics.parts(each, np.ones(400)) for each in (better, right))
    figure = intervals.difference(metrics.ratio, one, other)
    assert figure.value == pytest.approx(0.05)
    assert 0.02 < figure.low < 0.05 < figure.high < 0.08  # unpaired, ±0.06 would hold zero
    assert figure.text("+").startswith("+0.050 (+0.0")


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
