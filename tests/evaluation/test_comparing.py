"""Two runs over the same pictures: what changed, by how much, and which samples flipped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from facevlm.errors import InputError
from facevlm.evaluation import comparing, session
from facevlm.evaluation.suite import Suite

Own = Callable[..., Path]
Asked = Callable[..., session.Session]
LABELS = ("happiness", "fear", "fear", "fear")


@pytest.fixture
def data(own: Own) -> Path:
    return own(*({"emotion": label} for label in LABELS))


def test_changes_flips_and_mcnemar(suite: Suite, data: Path, asked: Asked, scripted: Any) -> None:
    before = asked(suite, data, scripted("happiness"), "a").folder
    after = asked(suite, data, scripted("anger", "fear", "fear", "anger"), "b").folder
    found = comparing.compare(before, after)
    change = {(each.metric, each.of): each for each in found.changes}
    assert change["accuracy", None].change == 0.25
    assert (change["recall", "fear"].before, change["recall", "fear"].after) == (0, pytest.approx(2 / 3))
    assert found.mcnemar is not None
    assert found.mcnemar[:2] == (1, 2)
    assert [(flip.id, flip.before, flip.after) for flip in found.flipped] == [
        ("face-0", "happiness", "anger"),
        ("face-1", "happiness", "fear"),
        ("face-2", "happiness", "fear"),
    ]


def test_the_interval_of_a_change_is_of_pairs(suite: Suite, own: Own, asked: Asked, scripted: Any) -> None:
    many = own(*({"emotion": label} for label in ("happiness", "fear") * 10))
    one, same = (asked(suite, many, scripted("happiness", "fear", "fear"), name).folder for name in "ab")
    (accuracy,) = (each for each in comparing.compare(one, same).changes if each.metric == "accuracy")
    assert (accuracy.change, accuracy.low, accuracy.high) == (0, 0, 0)


def test_only_faces_that_both_hold_are_compared(suite: Suite, data: Path, asked: Asked, scripted: Any) -> None:
    from facevlm.evaluation.questions import load, narrowed

    before = asked(suite, data, scripted(), "a").folder
    after = asked(suite, narrowed(load(suite, data), 3, None), scripted(), "b").folder
    found = comparing.compare(before, after)
    assert (found.n, found.only_before, found.only_after) == (3, 1, 0)


def test_runs_that_label_pictures_differently_are_not_compared(
    suite: Suite, data: Path, own: Own, asked: Asked, scripted: Any
) -> None:
    before = asked(suite, data, scripted(), "a").folder
    after = asked(suite, own({"emotion": "sadness"}), scripted(), "b").folder
    with pytest.raises(InputError, match="label the same pictures differently"):
        comparing.compare(before, after)


def test_a_condition_that_a_run_does_not_hold_is_told(suite: Suite, data: Path, asked: Asked, scripted: Any) -> None:
    folder = asked(suite, data, scripted(), "a").folder
    with pytest.raises(InputError, match="no answers under the condition 'upside down'"):
        comparing.compare(folder, folder, "upside down")
