"""The figures are only as good as what computes them."""

from __future__ import annotations

import bench

from facevlm.types import Box


def test_a_box_is_matched_once() -> None:
    face = Box(x=0, y=0, width=10, height=10)
    assert bench._matched([face, face], [[0, 0, 10, 10]]) == 1
    assert bench._matched([face], [[0, 0, 10, 10], [1, 1, 10, 10]]) == 1
    assert bench._matched([face], [[8, 8, 10, 10]]) == 0


def test_the_report_tells_the_version_and_the_command() -> None:
    assert bench.report("0.1.0", "| a |").startswith("# FaceVLM 0.1.0\n\n`python ")
