"""Whether probabilities hold: torchmetrics, scikit-learn, scipy, a linear programme, and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.stats import entropy
from sklearn.metrics import brier_score_loss

from facevlm.errors import InputError
from facevlm.evaluation.metrics import calibration
from facevlm.types import EMOTIONS

RNG = np.random.default_rng(0)
GIVEN = RNG.dirichlet(np.full(8, 0.5), 300)
VOTES = RNG.dirichlet(np.full(8, 0.5), 300)
TRUTH = RNG.integers(0, 8, 300)


def emotions(**shares: float) -> list[float]:
    return [shares.get(name, 0.0) for name in EMOTIONS]


def test_calibration_error_is_that_of_torchmetrics() -> None:
    functional = pytest.importorskip("torchmetrics.functional.classification", reason="torchmetrics is not installed")
    torch = pytest.importorskip("torch")
    theirs = functional.multiclass_calibration_error(torch.tensor(GIVEN), torch.tensor(TRUTH), 8, n_bins=15, norm="l1")
    ours = calibration.calibration_error(GIVEN.max(1), GIVEN.argmax(1) == TRUTH).value
    assert ours == pytest.approx(float(theirs), abs=1e-7)  # theirs counts in single precision


def test_calibration_error_is_that_of_a_loop_over_bins() -> None:
    sure, right = GIVEN.max(1), GIVEN.argmax(1) == TRUTH
    bins = [(sure >= k / 10) & (sure < (k + 1) / 10) for k in range(10)]
    theirs = sum(each.mean() * abs(sure[each].mean() - right[each].mean()) for each in bins if each.any())
    assert calibration.calibration_error(sure, right, bins=10).value == pytest.approx(theirs, abs=1e-9)


def test_calibration_error_is_the_gap_between_sureness_and_success() -> None:
    assert calibration.calibration_error(np.full(10, 0.8), np.ones(10)).value == pytest.approx(0.2)
    sure, right = [0.9] * 10 + [0.5] * 10, [True] * 9 + [False] + [True] * 5 + [False] * 5
    assert calibration.calibration_error(sure, right).value == pytest.approx(0)


def test_full_sureness_falls_into_the_last_bin() -> None:
    assert calibration.calibration_error([1.0], [True]).value == 0
    assert calibration.reliability([1.0], [True])[-1].n == 1


def test_a_bin_tells_what_was_promised_and_what_was_kept() -> None:
    low, high = calibration.reliability([0.2, 0.6, 0.8, np.nan], [0, 1, 0, 1], bins=2)
    assert low == (0, 0.5, 0.2, 0, 1)
    assert high == (0.5, 1, pytest.approx(0.7), 0.5, 2)


def test_an_empty_bin_has_no_figures() -> None:
    assert np.isnan(calibration.reliability([0.9], [1], bins=2)[0].sureness)


def test_an_answer_without_probabilities_or_a_missing_label_does_not_count() -> None:
    measure = calibration.calibration_error([0.8, np.nan, 0.1], [1, 1, np.nan])
    assert (measure.value, measure.n) == (pytest.approx(0.2), 1)


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(InputError, match=r"1\.2 is no probability"):
        calibration.calibration_error([0.3, 1.2], [1, 1])


def test_briers_score_is_scikit_learns() -> None:
    theirs = brier_score_loss(TRUTH, GIVEN, labels=list(range(8)), scale_by_half=False)
    assert calibration.brier(GIVEN, TRUTH).value == pytest.approx(theirs, abs=1e-9)


def test_briers_score_by_hand() -> None:
    measure = calibration.brier([[0.8, 0.2], [1, 0], [0.5, 0.5]], [0, 1, -1])
    assert (measure.value, measure.n) == (pytest.approx((0.08 + 2) / 2), 2)


def test_divergence_is_scipys() -> None:
    floored = np.maximum(GIVEN, calibration.FLOOR)
    assert calibration.divergence(GIVEN, VOTES).value == pytest.approx(entropy(VOTES, floored, axis=1).mean(), abs=1e-9)


def test_divergence_by_hand() -> None:
    half = [[0.5, 0.5]]
    assert calibration.divergence(half, half).value == pytest.approx(0, abs=1e-12)
    assert calibration.divergence([[0.25, 0.75]], half).value == pytest.approx(0.5 * np.log(2) + 0.5 * np.log(2 / 3))


def test_what_is_given_nothing_costs_no_infinity() -> None:
    assert calibration.divergence([[0, 1]], [[1, 0]]).value == pytest.approx(-np.log(1e-6), rel=1e-6)


def test_moving_earth_round_the_wheel_costs_what_a_linear_programme_says() -> None:
    wheel = calibration.wheel()
    places = [EMOTIONS.index(name) for name in wheel]
    apart = np.abs(np.subtract.outer(list(wheel.values()), list(wheel.values())))
    cost = (np.minimum(apart, 360 - apart) / 180).ravel()
    sums = np.vstack([np.kron(np.eye(7), np.ones(7)), np.kron(np.ones(7), np.eye(7))])

    def programme(given: np.ndarray, votes: np.ndarray) -> float:
        sides = [each[places] / each[places].sum() for each in (given, votes)]
        return float(linprog(cost, A_eq=sums, b_eq=np.concatenate(sides)).fun)

    defined = VOTES[:, places].sum(1) > 0.5
    theirs = [programme(*pair) for pair in zip(GIVEN[defined][:60], VOTES[defined][:60], strict=True)]
    ours = calibration.earth_mover(GIVEN[defined][:60], VOTES[defined][:60]).value
    assert ours == pytest.approx(np.mean(theirs), abs=1e-9)


def test_earth_is_moved_the_short_way_round() -> None:
    happy, angry, sad = emotions(happiness=1), emotions(anger=1), emotions(sadness=1)
    assert calibration.earth_mover([happy], [happy]).value == 0
    assert calibration.earth_mover([happy], [sad]).value == pytest.approx(1)  # opposite
    assert calibration.earth_mover([happy], [angry]).value == pytest.approx(0.5)  # 90° by way of 0°, not 270°
    assert calibration.earth_mover([emotions(happiness=0.5, anger=0.5)], [happy]).value == pytest.approx(0.25)


def test_neutral_is_not_on_the_wheel() -> None:
    sad, calm = emotions(sadness=1), emotions(neutral=1)
    mostly = emotions(neutral=0.4, happiness=0.6)
    measure = calibration.earth_mover([sad, calm, mostly, sad], [mostly, sad, sad, emotions(neutral=0.5, sadness=0.5)])
    assert (measure.value, measure.n) == (
        pytest.approx(1),
        2,
    )  # opposite; the second answer and the last votes are calm


def test_a_row_that_is_no_distribution_is_refused() -> None:
    with pytest.raises(InputError, match=r"row 2 is no distribution: it sums to 1\.500"):
        calibration.brier([[0.5, 0.5], [0.5, 1.0]], [0, 0])


def test_what_is_read_of_faces(face: Any) -> None:
    faces = [face("anger", sure=0.93), None]
    given = calibration.probabilities(faces)
    assert given[0, EMOTIONS.index("anger")] == pytest.approx(0.93)
    assert np.isnan(given[1]).all()
    assert calibration.surest(faces) == pytest.approx([0.93, np.nan], nan_ok=True)


def test_of_fewer_classes_what_is_read_are_shares_of_what_is_given_to_these(face: Any) -> None:
    (given,) = calibration.probabilities([face("anger", sure=0.3)], ("anger", "fear"))  # and 0.1 to each other emotion
    assert given == pytest.approx([0.75, 0.25])
