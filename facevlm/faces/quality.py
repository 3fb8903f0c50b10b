"""How far one face can be trusted, from its pixels, its mesh and its pose."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facevlm.faces.pose import LEFT_EYE_OUTER, RIGHT_EYE_OUTER
from facevlm.types import Pose, Quality

SMALL = 20.0  # pixels between the outer eye corners, of a face about 36 tall
BLURRED = 0.03  # of `_sharpness`; what a Gaussian blur of a thirtieth of the eyes' distance leaves
TURNED, NODDED = 35.0, 30.0  # degrees of yaw, of pitch; from there one side, or brow or chin, is hidden
CUT_OFF = 0.05  # share of the mesh outside the picture
# Not the mean level, which a dark or a pale skin moves as much as the light does.
DARK = 64.0  # grey level that a twentieth of the face exceeds: eyes, teeth and highlights, if there is light
WHITE, BRIGHT = 250, 1 / 3  # grey level that shows nothing any more; share of the face that reaches it

_SIDE = 64  # pixels every face is looked at in, as the embedded model sees it


def assess(image: Image.Image, points: NDArray[np.float32], pose: Pose, presence: float) -> Quality:
    """The quality of one face, and what lowers it: "small", "blurred", "turned", "cut off", "dark", "bright".

    The score is a product of at most seven ones: how surely it is a face; its size, its sharpness and its light over
    the least that raises no flag; the cosines of its yaw and pitch; the share of its mesh inside the picture; the
    share of its pixels that are not blown out, over the least that raises no flag.

    Args:
        image: the upright RGB picture.
        points: the face's mesh, (478, 3), in pixels of the picture.
        pose: its rotation in degrees; roll does not count.
        presence: how surely it is a face, 0–1.
    """
    eyes = float(np.linalg.norm(points[LEFT_EYE_OUTER] - points[RIGHT_EYE_OUTER]))  # 3D: turning does not shrink it
    grey = _grey_face(image, points)
    sharpness, light, blown = _sharpness(grey), float(np.percentile(grey, 95)), float((grey >= WHITE).mean())
    outside = float(1 - ((points[:, :2] >= 0) & (points[:, :2] < image.size)).all(1).mean())
    flags = {
        "small": eyes < SMALL,
        "blurred": sharpness < BLURRED and eyes >= SMALL,  # a small face is enlarged, not blurred
        "turned": abs(pose.yaw) > TURNED or abs(pose.pitch) > NODDED,
        "cut off": outside > CUT_OFF,
        "dark": light < DARK,
        "bright": blown > BRIGHT,
    }
    shares = (eyes / SMALL, sharpness / BLURRED, light / DARK, (1 - blown) / (1 - BRIGHT))
    facing = float(np.prod(np.cos(np.radians((pose.yaw, pose.pitch)))))
    score = presence * float(np.prod(np.minimum(shares, 1))) * max(facing, 0) * (1 - outside)
    return Quality(score=round(min(score, 1), 3), flags=tuple(name for name, raised in flags.items() if raised))


def _grey_face(image: Image.Image, points: NDArray[np.float32]) -> NDArray[np.float32]:
    """The part of the mesh's extent inside the picture, as (64, 64) grey levels."""
    low = np.clip(points[:, :2].min(0), 0, np.array(image.size) - 1).astype(int)
    high = np.clip(points[:, :2].max(0), low + 1, image.size).astype(int)
    face = image.crop((*low.tolist(), *high.tolist())).resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
    return np.asarray(face.convert("L"), np.float32)


def _sharpness(grey: NDArray[np.float32]) -> float:
    """Variance of the Laplacian (Pech-Pacheco et al., ICPR 2000) over that of the grey levels."""
    inner = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner
    return float(laplacian.var() / max(float(inner.var()), 1.0))
