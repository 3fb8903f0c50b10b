"""What the skin looks like where landmarks hardly move: around an eye, the brows' knot, a cheek, the mouth, the chin.

Each patch is cut upright around landmarks, at a scale taken from the face's width in depth, so that neither tilt nor a
turn changes it much. What they show, the networks of `regressor` tell.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facevlm.faces.pose import LEFT_EYE_OUTER, RIGHT_EYE_OUTER

SIDE = 64  # pixels of a patch


class Patch(NamedTuple):
    """A square of the face: around the mean of some landmarks, its width in distances between the outer eye corners."""

    left: tuple[int, ...]  # landmarks on the person's left, or on the midline
    right: tuple[int, ...]
    width: float


PATCHES: dict[str, Patch] = {
    "face": Patch((1,), (1,), 1.9),
    "eye": Patch((386, 374, 334), (159, 145, 105), 0.75),
    "knot": Patch((9, 168), (9, 168), 0.5),
    "cheek": Patch((330, 358), (101, 129), 0.6),
    "corner": Patch((291,), (61,), 0.5),
    "mouth": Patch((14, 17), (14, 17), 0.9),
}


def appearance(grey: NDArray[np.uint8], points: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The patches of each half of a face, the right one in a mirror: (2, patches, SIDE, SIDE) grey.

    Args:
        grey: the (h, w) picture.
        points: (478, 3) landmarks in its pixels.
    """
    across = points[LEFT_EYE_OUTER] - points[RIGHT_EYE_OUTER]
    tilt = np.arctan2(across[1], across[0])
    near, place, reduction = _surroundings(grey, points[:, :2])
    unit = float(np.linalg.norm(across)) / reduction
    centred = (points[:, :2] - place) / reduction
    halves = [
        [_cut(near, centred[list(centre)].mean(0), patch.width * unit, tilt, mirror) for patch, centre in sides]
        for mirror, sides in (
            (False, [(p, p.left) for p in PATCHES.values()]),
            (True, [(p, p.right) for p in PATCHES.values()]),
        )
    ]
    return np.array(halves, np.uint8)


def _surroundings(
    grey: NDArray[np.uint8], points: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], NDArray[np.int64], int]:
    """The part of a picture around a face, where it begins (x, y), and by how much it was reduced.

    A large face is reduced: cutting takes single pixels and would alias.
    """
    low, high = points.min(0), points.max(0)
    margin = 0.3 * (high - low)
    (left, top), (right, bottom) = np.maximum(low - margin, 0).astype(int), (high + margin).astype(int) + 1
    reduction = max(1, int((high - low).max() / (5 * SIDE)))
    near = Image.fromarray(np.ascontiguousarray(grey[top:bottom, left:right])).reduce(reduction)
    return np.asarray(near), np.array([left, top]), reduction


def _cut(
    grey: NDArray[np.uint8], centre: NDArray[np.float32], width: float, tilt: float, mirror: bool
) -> NDArray[np.uint8]:
    import cv2

    scale = SIDE / max(width, 1e-3)
    cos, sin = scale * np.cos(tilt), scale * np.sin(tilt)
    turn = np.array([[cos, sin], [-sin, cos]])
    if mirror:
        turn[0] *= -1
    warp = np.c_[turn, SIDE / 2 - turn @ centre]
    area = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    cut: NDArray[np.uint8] = cv2.warpAffine(grey, warp, (SIDE, SIDE), flags=area, borderMode=cv2.BORDER_REPLICATE)
    return cut
