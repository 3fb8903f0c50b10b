"""The marked crop of one face that small models are shown: eyes level, a little context, Set-of-Vision marks on it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from facevlm.types import Face

CONTEXT = 1.2  # the crop's side, in extents of the face mesh
_RIGHT_EYE, _LEFT_EYE = 33, 263
_NOSE_TIP, _RIGHT_CORNER, _LEFT_CORNER = 1, 61, 291
_RIGHT_IRIS, _LEFT_IRIS = 468, 473
_LINE, _DOT, _TAG = (0, 200, 255), (255, 40, 40), (0, 0, 0)


def crop(image: Image.Image, face: Face, size: int = 64, variant: str = "landmarks") -> Image.Image:
    """A face by itself, as a size × size RGB picture with its eyes level; what lies outside the picture is black.

    Grey but for the marks: an expression does not depend on colour, and the faces small models learn from have none.
    """
    points = face.landmarks.points[:, :2].astype(np.float64)
    frame = _frame(points)
    small = _cut(image, frame, size).convert("L").convert("RGB")
    if variant != "plain":
        _mark(small, _project(points, frame, size), str(face.id), variant)
    return small


def _frame(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The crop's square as an affine map, (2, 3): unit square → pixels of the picture."""
    across = points[_LEFT_EYE] - points[_RIGHT_EYE]
    angle = math.atan2(across[1], across[0])
    axes = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    turned = points @ axes
    low, high = turned.min(0), turned.max(0)
    side = CONTEXT * float((high - low).max())
    corner = axes @ ((low + high) / 2 - side / 2)
    return np.column_stack([axes * side, corner])


def _cut(image: Image.Image, frame: NDArray[np.float64], size: int) -> Image.Image:
    """Sampled finer than asked for where the picture is, then averaged, so that large faces do not alias."""
    finer = min(max(math.ceil(np.linalg.norm(frame[:, 0]) / size), 1), 8)
    scale = frame / np.array([[size * finer, size * finer, 1.0]])
    sampled = image.transform(
        (size * finer, size * finer), Image.Transform.AFFINE, tuple(scale.ravel()), Image.Resampling.BICUBIC
    )
    return sampled.reduce(finer) if finer > 1 else sampled


def _project(points: NDArray[np.float64], frame: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Picture positions → crop positions, (n, 2) pixels."""
    inside: NDArray[np.float64] = np.linalg.solve(frame[:, :2], (points - frame[:, 2]).T).T * float(size)
    return inside


def _mark(small: Image.Image, points: NDArray[np.float64], number: str, variant: str) -> None:
    draw, unit = ImageDraw.Draw(small), max(small.width // 64, 1)
    draw.rectangle((*points.min(0), *points.max(0)), outline=_LINE, width=unit)
    if variant in ("number", "landmarks"):
        font = ImageFont.load_default(9 * unit)
        _, top, right, bottom = draw.textbbox((unit, 0), number, font=font)
        draw.rectangle((0, 0, right + unit, bottom - top + 2 * unit), fill=_TAG)
        draw.text((unit, unit - top), number, fill="white", font=font)
    if variant == "landmarks":
        for x, y in points[[_RIGHT_IRIS, _LEFT_IRIS, _NOSE_TIP, _RIGHT_CORNER, _LEFT_CORNER]]:
            draw.rectangle((int(x), int(y), int(x) + unit - 1, int(y) + unit - 1), fill=_DOT)
