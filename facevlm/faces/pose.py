"""Head pose, and the mesh as it would look from the front.

The mesh is fitted to a resting mean face by a similarity transform over points that expressions barely move (Umeyama,
"Least-squares estimation of transformation parameters between two point patterns", PAMI 1991).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facevlm.types import Pose

# Eye corners, nose bridge, temples and forehead.
RIGID = [33, 133, 362, 263, 168, 6, 197, 195, 5, 10, 338, 109, 297, 67, 127, 356, 234, 454, 21, 251]
RIGHT_EYE_OUTER, LEFT_EYE_OUTER = 33, 263

_MEAN_FACE = Path(__file__).parent / "mean_face.npy"


@lru_cache(maxsize=1)
def mean_face() -> NDArray[np.float32]:
    """A resting frontal face, (478, 3) float32: x to the viewer's right, y up, z to the viewer, eye corners 1 apart.

    The mean of resting FER+ training faces, made by `facevlm train cues`, set upright as MediaPipe's canonical face is.
    """
    mean: NDArray[np.float32] = np.load(_MEAN_FACE)
    return mean


def frontalise(points: NDArray[np.float32]) -> tuple[NDArray[np.float32], Pose]:
    """The mesh without the head's rotation, and that rotation.

    Args:
        points: (478, 3), picture pixels, y down.

    Returns:
        (478, 3) float32 in the axes of `mean_face`, outer eye corners 1 apart; and the pose in degrees.
    """
    upright = points.astype(np.float64) * (1, -1, -1)
    rotation = _rotation(mean_face()[RIGID].astype(np.float64), upright[RIGID])
    frontal = (upright - upright[RIGID].mean(0)) @ rotation
    frontal /= np.linalg.norm(frontal[LEFT_EYE_OUTER] - frontal[RIGHT_EYE_OUTER])
    return frontal.astype(np.float32), _pose(rotation)


def _rotation(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """The (3, 3) rotation that best turns `source` into `target`, whatever their scale and place."""
    u, _, vt = np.linalg.svd((target - target.mean(0)).T @ (source - source.mean(0)))
    turned: NDArray[np.float64] = u @ np.diag([1, 1, np.sign(np.linalg.det(u @ vt))]) @ vt
    return turned


def _pose(rotation: NDArray[np.float64]) -> Pose:
    forward, sideways = rotation[:, 2], rotation[:, 0]
    angles = {
        "yaw": np.arctan2(forward[0], forward[2]),
        "pitch": np.arcsin(np.clip(forward[1], -1, 1)),
        "roll": np.arctan2(sideways[1], sideways[0]),
    }
    return Pose(**{name: round(float(np.degrees(angle)), 1) for name, angle in angles.items()})
