"""The figures are only as good as what computes them."""

from __future__ import annotations

import bench

from facevlm.types import Box


def test_a_box_is_matched_once() -> None:
    face = Box(x=0, y=0, width=10, height=10)
    assert bench._matched([face, face], [[0, 0, 10, 10]]) == 1
    assert bench._matched([face], [[0, 0, 10, 10], [1, 1, 10, 10]]) == 1
    assert bench._matched([face], [[8, 8, 10, 10]]) == 0
