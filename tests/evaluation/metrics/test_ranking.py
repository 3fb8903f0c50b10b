"""Scores that should tell what is so from what is not: scikit-learn, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from facevlm.errors import InputError
from facevlm.evaluation import intervals
from facevlm.evaluation.metrics import ranking

RNG = np.random.default_rng(0)
SO = RNG.random(500) < 0.3
SCORE = (RNG.random(500) + 0.4 * SO).round(2)  # with ties


def test_the_area_is_scikit_learns() -> None:
    assert ranking.auroc(SCORE, SO).value == pytest.approx(roc_auc_score(SO, SCORE), abs=1e-9)


def test_false_alarms_are_the_fewest_of_scikit_learns_curve_that_catch_95_percent() -> None:
    false, true, _ = roc_curve(SO, SCORE, drop_intermediate=False)
    assert ranking.false_alarms(SCORE, SO).value == pytest.approx(false[true >= 0.95].min(), abs=1e-9)


def test_a_resample_is_scored_as_if_its_samples_were_there() -> None:
    drawn = RNG.integers(500, size=500)
    weights = np.bincount(drawn, minlength=500)[None].astype(float)
    false, true, _ = roc_curve(SO[drawn], SCORE[drawn], drop_intermediate=False)
    assert ranking.auroc(SCORE, SO).at(weights)[0] == pytest.approx(roc_auc_score(SO[drawn], SCORE[drawn]), abs=1e-9)
    assert ranking.false_alarms(SCORE, SO).at(weights)[0] == pytest.approx(false[true >= 0.95].min(), abs=1e-9)


def test_four_samples_by_hand() -> None:
    # Of the pairs (.8, .1), (.8, .5), (.5, .1), (.5, .5) three are in order and one is a tie.
    assert ranking.auroc([0.8, 0.5, 0.5, 0.1], [1, 1, 0, 0]).value == 3.5 / 4
    assert ranking.false_alarms([0.8, 0.5, 0.5, 0.1], [1, 1, 0, 0]).value == 1 / 2


def test_where_all_are_of_one_kind_nothing_is_defined_and_it_is_said() -> None:
    for metric in (ranking.auroc, ranking.false_alarms):
        for kind in (0, 1):
            measure = metric([0.1, 0.2], [kind, kind])
            assert np.isnan(measure.value)
            assert measure.notes == ("all samples are of one kind: not defined",)
            assert np.isnan(intervals.figure(measure).low)


def test_what_has_no_score_or_label_does_not_count() -> None:
    measure = ranking.auroc([0.9, 0.1, np.nan, 0.5], [1, 0, 1, np.nan])
    assert (measure.value, measure.n) == (1, 2)


def test_a_face_is_the_less_familiar_the_less_its_likeliest_class_has() -> None:
    assert ranking.unfamiliarity([[0.7, 0.3], [0.5, 0.5], [np.nan, np.nan]]) == pytest.approx(
        [0.3, 0.5, np.nan], nan_ok=True
    )


def test_scores_and_labels_must_be_of_the_same_samples() -> None:
    with pytest.raises(InputError, match="score 2, so 1"):
        ranking.auroc([0.1, 0.2], [1])
