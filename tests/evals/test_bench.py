"""The figures are only as good as what computes them."""

from __future__ import annotations

import importlib.util
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from facevlm.config import asset_dir
from facevlm.types import EMOTIONS, Box


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench", asset_dir("evals") / "bench.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_box_is_matched_once(bench: ModuleType) -> None:
    face = Box(x=0, y=0, width=10, height=10)
    assert bench._matched([face, face], [[0, 0, 10, 10]]) == 1
    assert bench._matched([face], [[0, 0, 10, 10], [1, 1, 10, 10]]) == 1
    assert bench._matched([face], [[8, 8, 10, 10]]) == 0


def test_macro_f1_counts_a_class_that_is_never_right_as_zero(bench: ModuleType) -> None:
    truth = np.array([0, 0, 1, 1])
    guess = np.array([0, 0, 1, -1])  # the last face was not found
    assert bench._macro_f1(truth, guess) == pytest.approx((1 + 2 / 3) / 8)


def test_cited_units_are_read_from_their_lists(bench: ModuleType) -> None:
    assert bench._cited("a smile: happiness, for it AU 6, 12, against it AU 4.") == {4, 6, 12}
    assert bench._cited("no movement stands out: neutral, all is at rest.") == set()


def test_calibration_error_is_the_gap_between_sureness_and_success(bench: ModuleType) -> None:
    def told(emotion: str, sure: float) -> SimpleNamespace:
        return SimpleNamespace(emotion=emotion, probabilities={emotion: sure, "fear": 1 - sure})

    always_right = [told("neutral", 0.8)] * 10
    truth = np.full(10, EMOTIONS.index("neutral"))
    assert bench._calibration_error(always_right, truth) == pytest.approx(0.2)
    assert bench._calibration_error([*always_right, None], np.append(truth, 0)) == pytest.approx(0.2)
