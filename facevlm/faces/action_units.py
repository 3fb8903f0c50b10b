"""Action units measured from a face's cues: 0 at rest, 0.1 a trace, 0.9 the maximum; None where they cannot be.

A first measurement: sums of cues, their weights in `action_units.yaml`, scaled on FER+ training faces.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import yaml

from facevlm.faces.cues import FOLDER
from facevlm.types import AU_CODES, ActionUnit, Pose

# Beyond this yaw the far side of the face is hidden; beyond the second the mesh is a guess.
FAR_SIDE_HIDDEN = 35.0
TURNED_AWAY = 60.0

HEADS = ("left", "right")


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    table: dict[str, Any] = yaml.safe_load((FOLDER / "action_units.yaml").read_text())
    return table


@lru_cache(maxsize=1)
def _scales() -> dict[str, list[float]]:
    scales: dict[str, list[float]] = json.loads((FOLDER / "resting.json").read_text())["action_units"]
    return scales


THRESHOLDS: dict[int, float] = {code: float(_table()["default_threshold"]) for code in AU_CODES}


def measure_action_units(cues: Mapping[str, float], pose: Pose) -> dict[int, ActionUnit]:
    """Every action unit of one face, from the cues of `measure_cues`; one that has a side also left and right."""
    return {code: _measure(code, cues, pose) for code in AU_CODES}


def activation(code: int, cues: Mapping[str, float], side: str) -> float:
    """The unscaled sum of an AU's cues on one side; a cue of the whole face counts on both."""
    weights: dict[str, float] = _table()["weights"][code]
    return sum(weight * cues.get(f"{name}_{side}", cues.get(name, 0.0)) for name, weight in weights.items())


def measured_codes() -> tuple[int, ...]:
    """The action units that cues speak for."""
    return tuple(_table()["weights"])


def _measure(code: int, cues: Mapping[str, float], pose: Pose) -> ActionUnit:
    if code not in measured_codes() or abs(pose.yaw) > TURNED_AWAY:
        return ActionUnit(code=code, value=None)
    values = {side: _scaled(code, activation(code, cues, side)) for side in HEADS}
    if code not in _table()["sided"]:
        return ActionUnit(code=code, value=_mean(values.values()))
    seen = {side: None if side == _hidden(pose) else value for side, value in values.items()}
    return ActionUnit(code=code, value=_mean(v for v in seen.values() if v is not None), **seen)


def _mean(values: Any) -> float:
    return round(float(np.mean(list(values))), 3)


def _hidden(pose: Pose) -> Literal["left", "right"] | None:
    """The side that a turned head hides: turned to their left, a person shows their right."""
    if abs(pose.yaw) <= FAR_SIDE_HIDDEN:
        return None
    return "left" if pose.yaw > 0 else "right"


def _scaled(code: int, activity: float) -> float:
    """Piecewise linear through rest → 0, the 97.5th percentile of resting faces → 0.25, strongest faces → 0.9."""
    return round(float(np.clip(np.interp(activity, _scales()[str(code)], (0.0, 0.25, 0.9, 1.0)), 0, 1)), 3)
