from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from facevlm.training.tuning import gains
from facevlm.training.tuning.targets import Row

WEIGHTS = {"schema": 1.0, "emotion": 2.0, "units": 1.0}
RIGHT = json.dumps({"emotion": "fear"})


def row(emotion: str | None) -> Row:
    return Row.model_validate({"prompt": "?", "images": ["a.png"], "fields": ["emotion"], "emotion": emotion})


def test_a_gain_on_every_row_has_no_doubt_about_it() -> None:
    before = np.linspace(0, 0.8, 40)
    found = gains.gain(before, before + 0.1, seed=0)
    assert (found.difference, found.low, found.high, found.rows) == (0.1, 0.1, 0.1, 40)
    assert gains.helped({"total": found})


def test_no_change_does_not_help() -> None:
    same = np.array([0.0, 1.0, 1.0])
    assert not gains.helped({"total": gains.gain(same, same, seed=0)})


def test_a_gain_that_chance_would_make_does_not_help() -> None:
    before, after = np.array([0.0] * 5 + [1.0] * 4), np.array([1.0] * 5 + [0.0] * 4)
    found = gains.gain(before, after, seed=0)
    assert found.difference > 0 and found.low < 0 < found.high
    assert not gains.helped({"total": found})


def test_the_interval_is_of_the_pairs_and_not_of_the_rows_apart() -> None:
    rng = np.random.default_rng(0)
    before = rng.uniform(size=200)
    found = gains.gain(before, before + rng.normal(0.05, 0.02, size=200), seed=0)
    assert 0.04 < found.low < found.high < 0.06


def test_rows_a_reward_does_not_score_are_left_out_of_it() -> None:
    before = gains.scored(["", ""], [row("fear"), row(None)], WEIGHTS)
    after = gains.scored([RIGHT, RIGHT], [row("fear"), row(None)], WEIGHTS)
    found = gains.gains(before, after, seed=0)
    assert (found["emotion"].rows, found["emotion"].after) == (1, 1)
    assert "evidence" not in found
    assert found["total"].after == pytest.approx((3 + 1) / 2)


def test_answers_are_kept_as_they_are(tmp_path: Path) -> None:
    texts = ["one\ntwo", "", "«drei»"]
    gains.keep(texts, tmp_path / "before.jsonl")
    assert gains.kept(tmp_path / "before.jsonl") == texts
    assert gains.kept(tmp_path / "nothing.jsonl") is None
