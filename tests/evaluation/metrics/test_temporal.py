"""Events over time, by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from facevlm.evaluation.metrics import temporal


def both(told: Sequence[str], true: Sequence[str], same: temporal.Same = str.__eq__) -> list[float]:
    return temporal.events([told], [true], same).value.tolist()


def test_events_are_matched_and_then_looked_at_in_order() -> None:
    assert both("abc", "abc") == [1, 1]
    assert both("cba", "abc") == [1, 1 / 3]
    assert both("ab", "abcd") == pytest.approx([2 * 2 / 6, 2 / 4])


def test_an_event_is_matched_once() -> None:
    assert both("aa", "a") == pytest.approx([2 / 3, 1 / 2])


def test_one_event_may_be_another_in_other_words() -> None:
    assert both(["she smiles"], ["smiles"], lambda one, other: other in one) == [1, 1]


def test_as_many_as_possible_are_matched() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        alike = rng.random((5, 4)) < 0.4
        told, true = [str(row) for row in range(5)], [str(column) for column in range(4)]
        most = (maximum_bipartite_matching(csr_matrix(alike)) >= 0).sum()
        matched, _ = both(told, true, lambda one, other, alike=alike: bool(alike[int(one), int(other)]))
        assert matched == pytest.approx(2 * most / 9, abs=1e-9)


def test_nothing_told_of_something_has_nothing_and_nothing_of_nothing_does_not_count() -> None:
    measure = temporal.events([[], [], ["a"]], [["a"], [], ["a"]])
    assert measure.value.tolist() == [1 / 2, 1 / 2]
    assert measure.n == 2
