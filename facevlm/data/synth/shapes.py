"""Which shapes of the face model show which action unit, as `shapes.yaml` says."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from pathlib import Path

import yaml


@cache
def shape_table() -> dict[int, dict[str, float]]:
    """For each action unit the shapes it moves, and how far."""
    table: dict[int, dict[str, float]] = yaml.safe_load((Path(__file__).parent / "shapes.yaml").read_text())
    return table


def missing(names: Collection[str]) -> list[str]:
    """The shapes of the table that are not among these names, neither whole nor as two sides."""
    needed = {shape for shapes in shape_table().values() for shape in shapes}
    return sorted(shape for shape in needed if shape not in names and not {f"{shape}_L", f"{shape}_R"} <= set(names))
