"""Named geometric cues: what moved on this face, in standard deviations from a resting one.

The cues, their landmarks and the action units they speak for are in `cues.yaml`; what resting faces measure, and how
that drifts with the head's pose, is in `resting.json`, fitted by `facevlm train cues`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from numpy.typing import NDArray

from facevlm.types import Pose

FOLDER = Path(__file__).parent
Measure = Literal["height", "width", "distance", "depth"]


@dataclass(frozen=True)
class Cue:
    """One cue on one side (or on the whole face), and the mesh points it lies between."""

    name: str
    measure: Measure
    of: tuple[int, ...]
    start: tuple[int, ...]
    side: Literal["left", "right"] | None
    aus: tuple[int, ...]

    @property
    def kind(self) -> str:
        """The name without its side: left and right share their resting statistics."""
        return self.name.removesuffix("_left").removesuffix("_right")


@lru_cache(maxsize=1)
def cue_table() -> tuple[Cue, ...]:
    """Every cue, the two sides of a sided one after each other."""
    table = yaml.safe_load((FOLDER / "cues.yaml").read_text())
    sided = [cue for name, row in table["sided"].items() for cue in _both_sides(name, row)]
    whole = [_cue(name, row, row, None) for name, row in table["whole"].items()]
    return tuple(sided + whole)


def _both_sides(name: str, row: Mapping[str, Any]) -> tuple[Cue, Cue]:
    return _cue(f"{name}_left", row, row["left"], "left"), _cue(f"{name}_right", row, row, "right")


def _cue(name: str, row: Mapping[str, Any], ends: Mapping[str, Any], side: Literal["left", "right"] | None) -> Cue:
    return Cue(name, row["measure"], tuple(ends["of"]), tuple(ends["from"]), side, tuple(row["aus"]))


def raw_cues(frontal: NDArray[np.float32]) -> dict[str, float]:
    """Each cue of a frontalised mesh, (478, 3), in units of the distance between the outer eye corners."""
    return {cue.name: _length(cue, frontal) for cue in cue_table()}


def measure_cues(frontal: NDArray[np.float32], pose: Pose) -> dict[str, float]:
    """Each cue as standard deviations from what resting faces in this pose measure, to two decimals."""
    raw, resting = raw_cues(frontal), resting_table()
    return {cue.name: round(_deviation(cue, raw[cue.name], pose, resting[cue.kind]), 2) for cue in cue_table()}


def pose_terms(pose: Pose, side: str | None) -> NDArray[np.float64]:
    """What the drift of a cue with the head's pose is linear in, (5,); yaw counts towards the cue's own side."""
    towards = {"left": pose.yaw, "right": -pose.yaw}.get(side or "", 0.0) / 30
    yaw, pitch = pose.yaw / 30, pose.pitch / 30
    return np.array([1.0, towards, yaw * yaw, pitch, pitch * pitch])


@lru_cache(maxsize=1)
def resting_table() -> Mapping[str, Any]:
    """For each kind of cue: `drift`, the (5,) coefficients of `pose_terms`, and `spread`, one standard deviation."""
    table: dict[str, Any] = json.loads((FOLDER / "resting.json").read_text())["cues"]
    return table


def mirrored(cues: Mapping[str, float]) -> dict[str, float]:
    """The cues of the same face in a mirror."""
    return {_other_side(name): value for name, value in cues.items()}


def _other_side(name: str) -> str:
    if name.endswith("_left"):
        return name.removesuffix("_left") + "_right"
    return name.removesuffix("_right") + "_left" if name.endswith("_right") else name


def _deviation(cue: Cue, value: float, pose: Pose, resting: Mapping[str, Any]) -> float:
    expected = float(pose_terms(pose, cue.side) @ np.asarray(resting["drift"]))
    return (value - expected) / float(resting["spread"])


def _length(cue: Cue, frontal: NDArray[np.float32]) -> float:
    if cue.measure == "distance":  # point by point, so that lids and lips keep their curve
        return float(np.linalg.norm(_ends(frontal, cue.of, cue.start)[:, :2], axis=1).mean())
    axis = {"width": 0, "height": 1, "depth": 2}[cue.measure]
    gap = float(frontal[list(cue.of), axis].mean() - frontal[list(cue.start), axis].mean())
    return abs(gap) if cue.measure == "width" else gap


def _ends(frontal: NDArray[np.float32], of: Sequence[int], start: Sequence[int]) -> NDArray[np.float32]:
    gaps: NDArray[np.float32] = frontal[list(of)] - frontal[list(start)]
    return gaps
