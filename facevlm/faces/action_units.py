"""Action units measured on a face: 0 at rest, 0.1 a trace, 0.9 the maximum; None where this face does not show them.

The regressor is fitted on synthetic faces whose action units are known, and on what is known of real ones; see
`training/measurement`. Of a difference between left and right as much is told as is likely to be true. Its reliability,
unit by unit, is in `action_units.json`; what is not reliable is not measured.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from facevlm import facs
from facevlm.faces.appearance import appearance
from facevlm.faces.pose import LEFT_EYE_OUTER, RIGHT_EYE_OUTER
from facevlm.faces.regressor import Regressor, regressor, table
from facevlm.types import AU_CODES, ActionUnit, Pose

# Beyond this yaw the far side of the face is hidden; beyond the second the mesh is a guess.
FAR_SIDE_HIDDEN = 35.0
TURNED_AWAY = 60.0
TOO_SMALL = 12.0  # px between the outer eye corners, below which a face is a handful of pixels
SEEN = 0.6  # share of a unit's landmarks that the picture must hold

THRESHOLDS: dict[int, float] = {code: row["threshold"] for code, row in table().items()}

Half = Literal["left", "right"]
HALVES: tuple[Half, Half] = ("left", "right")


def measure_action_units(
    grey: NDArray[np.uint8],
    points: NDArray[np.float32],
    frontal: NDArray[np.float32],
    pose: Pose,
    by: Regressor | None = None,
) -> dict[int, ActionUnit]:
    """Every action unit of one face; one that has sides also left and right.

    Args:
        grey: the (h, w) picture.
        points: (478, 3) landmarks in its pixels.
        frontal: (478, 3) the same by `pose.frontalise`, and the `pose` it found.
        by: what measures; without it the regressor that ships.
    """
    if abs(pose.yaw) > TURNED_AWAY or _eyes_apart(points) < TOO_SMALL:
        return {code: ActionUnit(code=code, value=None) for code in AU_CODES}
    turned = np.array([[pose.yaw, pose.pitch, pose.roll]], np.float32)
    by = by or regressor()
    outputs = by.raw(by.describe(frontal[None], turned, appearance(grey, points)[None]))[0]
    each, compared = map(by.strengths, (outputs, by.evened(outputs)))
    shown = [half for half in HALVES if half != _hidden(pose)]
    inside = _inside(points, grey.shape)
    return {code: _unit(code, each[:, row], compared[:, row], shown, inside) for row, code in enumerate(AU_CODES)}


def measured_codes() -> tuple[int, ...]:
    """The action units that are measured where a face lets them."""
    return tuple(code for code in AU_CODES if table()[code]["measured"])


def _unit(
    code: int, each: NDArray[np.float32], compared: NDArray[np.float32], shown: list[Half], inside: NDArray[np.bool_]
) -> ActionUnit:
    """One unit from the strengths of its halves, (2,): by itself each, and both where both are seen."""
    if not table()[code]["measured"]:
        return ActionUnit(code=code, value=None)
    halves = [half for half in shown if _in_picture(code, half, inside)]
    strengths = dict(zip(HALVES, compared if len(halves) == len(HALVES) else each, strict=True))
    seen = {half: round(float(strengths[half]), 3) for half in halves}
    value = round(float(np.mean(list(seen.values()))), 3) if seen else None
    return ActionUnit(code=code, value=value, **(seen if facs.unit(code).sided else {}))


def _in_picture(code: int, half: Half, inside: NDArray[np.bool_]) -> bool:
    region = facs.unit(code).region
    return bool(inside[[*region[half], *region["middle"]]].mean() >= SEEN)


def _inside(points: NDArray[np.float32], size: tuple[int, ...]) -> NDArray[np.bool_]:
    within: NDArray[np.bool_] = ((points[:, :2] >= 0) & (points[:, :2] < (size[1], size[0]))).all(1)
    return within


def _hidden(pose: Pose) -> Half | None:
    """The side that a turned head hides: turned to their left, a person shows their right."""
    if abs(pose.yaw) <= FAR_SIDE_HIDDEN:
        return None
    return "left" if pose.yaw > 0 else "right"


def _eyes_apart(points: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(points[LEFT_EYE_OUTER] - points[RIGHT_EYE_OUTER]))
