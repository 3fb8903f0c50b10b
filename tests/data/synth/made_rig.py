"""A face model made of an egg, with the arrays, parts and names of ICT-FaceKit's archive and none of its data.

The face is a grid bent over the front of the egg, with a nose; whatever its landmarks ought to be near is a landmark.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facevlm.data.synth import rig as rigs

Points = NDArray[np.float32]

GRID = 97  # 97 × 97 vertices are the face's 9,409
SIDED = (
    "browDown", "browInnerUp", "browOuterUp", "cheekPuff", "cheekSquint", "eyeBlink", "eyeLookDown", "eyeLookIn",
    "eyeLookOut", "eyeLookUp", "eyeSquint", "eyeWide", "mouthDimple", "mouthFrown", "mouthLowerDown", "mouthPress",
    "mouthSmile", "mouthStretch", "mouthUpperUp", "noseSneer", "cheekRaiser",
)  # fmt: skip
WHOLE = (
    "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose", "mouthFunnel", "mouthLeft", "mouthPucker",
    "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper",
)  # fmt: skip
NAMES = tuple(f"{name}_{side}" for name in SIDED for side in "LR") + WHOLE

# Where a shape takes hold, on the left, in cm; where it moves what is there; how far around it reaches.
SHAPES: dict[str, tuple[tuple[float, float], tuple[float, float, float], float]] = {
    "browDown": ((2.5, 6.2), (-0.2, -0.8, 0), 1.6),
    "browInnerUp": ((1.2, 6.0), (0, 0.8, 0), 1.2),
    "browOuterUp": ((4.5, 6.0), (0, 0.8, 0), 1.2),
    "cheekRaiser": ((3.2, 1.2), (0, 0.7, 0.2), 1.4),
    "cheekSquint": ((3.2, 2.2), (0, 0.4, 0.2), 1.0),
    "eyeBlink": ((3.3, 4.0), (0, -0.8, 0), 0.8),
    "eyeSquint": ((3.3, 3.0), (0, 0.3, 0), 0.8),
    "eyeWide": ((3.3, 4.0), (0, 0.3, 0), 0.8),
    "jawOpen": ((0.0, -5.6), (0, -2.6, -0.5), 2.2),
    "mouthDimple": ((2.5, -3.5), (0.2, 0, -0.5), 0.9),
    "mouthFrown": ((2.5, -3.5), (0, -0.8, 0), 0.9),
    "mouthFunnel": ((0.0, -3.5), (0, 0, 0.6), 1.6),
    "mouthLowerDown": ((0.9, -4.2), (0, -0.7, 0), 0.7),
    "mouthPress": ((1.0, -3.5), (0, 0, -0.3), 1.0),
    "mouthPucker": ((0.0, -3.5), (0, 0, 0.9), 1.2),
    "mouthRollLower": ((0.0, -4.2), (0, 0, -0.4), 0.9),
    "mouthRollUpper": ((0.0, -2.8), (0, 0, -0.4), 0.9),
    "mouthShrugLower": ((0.0, -5.6), (0, 0.6, 0.3), 1.2),
    "mouthShrugUpper": ((0.0, -2.4), (0, 0.3, 0.1), 0.9),
    "mouthSmile": ((2.5, -3.5), (0.5, 0.9, -0.2), 1.0),
    "mouthStretch": ((2.5, -3.5), (0.9, -0.1, -0.3), 1.0),
    "mouthUpperUp": ((0.9, -2.6), (0, 0.5, 0), 0.7),
    "noseSneer": ((1.2, 0.2), (0, 0.5, 0.1), 0.9),
}
LEFT_LANDMARKS: dict[int, tuple[float, float]] = {
    8: (0, -7.6), 9: (1.5, -7.3), 10: (3, -6.9), 11: (4.3, -6.2), 12: (5.7, -4.5), 13: (6.5, -2.4), 14: (6.9, -0.5),
    15: (7.3, 1.5), 16: (7.4, 3.7), 22: (1.2, 5.9), 23: (2.4, 6.2), 24: (3.8, 6.3), 25: (4.9, 6), 26: (5.8, 5.2),
    27: (0, 3.7), 28: (0, 2.6), 29: (0, 1.6), 30: (0, 0.4), 33: (0, -1.2), 34: (0.6, -1.1), 35: (1.3, -1.1),
    42: (1.8, 3.3), 43: (2.8, 3.9), 44: (3.9, 3.9), 45: (4.5, 3.4), 46: (3.9, 3), 47: (2.7, 3), 51: (0, -2.5),
    52: (0.7, -2.4), 53: (1.7, -2.8), 54: (2.5, -3.5), 55: (1.8, -4.1), 56: (1, -4.3), 57: (0, -4.4), 62: (0, -3.2),
    63: (1, -3.2), 64: (2.2, -3.5), 65: (1, -3.6), 66: (0, -3.6),
}  # fmt: skip
MIRRORED = {
    **{16 - n: n for n in range(9, 17)}, **{43 - n: n for n in range(22, 27)}, 32: 34, 31: 35, 39: 42, 38: 43, 37: 44,
    36: 45, 41: 46, 40: 47, 50: 52, 49: 53, 48: 54, 59: 55, 58: 56, 61: 63, 60: 64, 67: 65,
}  # fmt: skip


def arrays() -> dict[str, NDArray[Any]]:
    """What the archive holds."""
    neutral, triangles = _egg()
    return {
        "neutral": neutral,
        "triangles": triangles,
        "expression_names": np.array(NAMES),
        "expression_deltas": np.stack([_shape(name, neutral) for name in NAMES]).astype(np.float16),
        "identity_deltas": np.stack([_person(axis, neutral) for axis in range(3)]).astype(np.float16),
        "landmark68": np.array([_landmark(index, neutral) for index in range(68)], np.int32),
    }


def write(file: Path) -> Path:
    """The archive as a file."""
    np.savez_compressed(file, **arrays())  # type: ignore[arg-type]
    return file


def _egg() -> tuple[Points, NDArray[np.int32]]:
    rows = np.linspace(12.4, -16.5, GRID)
    parts = [
        _bent(np.radians(np.linspace(-100, 100, GRID)), rows),
        _bent(np.radians(np.linspace(100, 260, 43)), np.linspace(12.4, -16.5, 42)),
        np.zeros((33, 3)),
        _ball(2046, (0, -3, 5), 2.0),
        _ball(768, (0, 3.5, 6), 1.0),
        _ball(2977, (0, -3, 6), 2.0),
        _ball(4412, (0, -3, 6.5), 2.0),
        _ball(1570, (3.1, 3.6, 8), 1.5),
        _ball(1570, (-3.1, 3.6, 8), 1.5),
    ]
    neutral = np.concatenate(parts).astype(np.float32)
    assert len(neutral) == rigs.VERTICES
    return neutral, np.concatenate([_woven(GRID, GRID, 0), _woven(42, 43, rigs.FACE.stop)])


def _bent(angles: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """A grid over the egg: row by row from above, each from the person's right to the left when seen from before."""
    angle, y = (each.ravel() for each in np.meshgrid(angles, rows))
    round_ = np.sqrt(np.clip(1 - ((y + 2) / 15.5) ** 2, 0.02, 1))
    x, z = 8.8 * round_ * np.sin(angle), 1.5 + 8.5 * round_ * np.cos(angle)
    nose = 2.6 * np.exp(-((x / 1.0) ** 2) - ((y - 0.2) / 1.3) ** 2) * (z > 0)
    return np.stack([x, y, z + nose], 1)


def _ball(count: int, centre: tuple[float, float, float], radius: float) -> NDArray[np.float64]:
    rng = np.random.default_rng(count)
    outward = rng.normal(size=(count, 3))
    ball: NDArray[np.float64] = np.array(centre) + radius * outward / np.linalg.norm(outward, axis=1, keepdims=True)
    return ball


def _woven(rows: int, columns: int, first: int) -> NDArray[np.int32]:
    corner = first + (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    upper = np.stack([corner, corner + columns, corner + 1], 1)
    lower = np.stack([corner + 1, corner + columns, corner + columns + 1], 1)
    return np.concatenate([upper, lower]).astype(np.int32)


def _shape(name: str, neutral: Points) -> Points:
    base, _, side = name.partition("_")
    moved = np.zeros_like(neutral)
    if base not in SHAPES:
        return moved
    (x, y), towards, reach = SHAPES[base]
    mirror = -1 if side == "R" else 1
    face = neutral[rigs.FACE]
    near = np.exp(-((face[:, 0] - mirror * x) ** 2 + (face[:, 1] - y) ** 2) / reach**2) * (face[:, 2] > 0)
    if side:
        near *= face[:, 0] * mirror > 0.1
    if base in ("jawOpen", "mouthLowerDown", "mouthRollLower", "mouthShrugLower"):
        near *= face[:, 1] < -3.4
    if base in ("mouthUpperUp", "mouthRollUpper", "mouthShrugUpper"):
        near *= face[:, 1] > -3.4
    moved[rigs.FACE] = np.where(near > 0.02, near, 0)[:, None] * np.array(towards) * (mirror, 1, 1)
    return moved


def _person(axis: int, neutral: Points) -> Points:
    """Wider, longer or deeper heads."""
    stretched = np.zeros_like(neutral)
    stretched[:, axis] = 0.03 * neutral[:, axis]
    return stretched


def _landmark(index: int, neutral: Points) -> int:
    x, y = LEFT_LANDMARKS[MIRRORED.get(index, index)]
    face = neutral[rigs.FACE]
    away = np.hypot(face[:, 0] - (-x if index in MIRRORED else x), face[:, 1] - y) + 99 * (face[:, 2] < 0)
    return int(away.argmin())
