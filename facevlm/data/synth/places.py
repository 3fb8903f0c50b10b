"""Where things are on the resting face: for each vertex its distance, in cm, from brows, lids and lips, and so on.

Worked out once for a rig, from its landmarks. Painting turns distances into colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from facevlm.data.synth.rig import FACE, HEAD, VERTICES, Rig

Field = NDArray[np.float32]  # (v,) a number for each vertex
FAR = 99.0

BROWS = ([21, 20, 19, 18, 17], [22, 23, 24, 25, 26])  # from the inner end out
UPPER_LIDS, LOWER_LIDS = ([36, 37, 38, 39], [42, 43, 44, 45]), ([36, 41, 40, 39], [42, 47, 46, 45])
OUTER_LIPS = [*range(48, 60), 48]

# Height of the hairline, cm, by angle from straight ahead: forehead, temple, sideburn, above the ear, nape.
HAIRLINE = ((0, 10.3), (35, 9.8), (55, 7.6), (72, 3.6), (84, 3.2), (92, 5.6), (112, 5.0), (130, -1.0), (180, -4.0))


@dataclass(frozen=True)
class Places:
    """How far each vertex of the mesh is from what is painted on it, in cm."""

    brow: Field  # from the line of the nearer brow
    brow_along: Field  # 0 at its inner end, 1 at the outer
    brow_above: Field  # height over it
    upper_lid: Field
    lower_lid: Field
    lips: Field  # from their outline, negative inside
    cheek: Field  # 0–1
    beard: Field  # 0–1
    scalp: Field  # above the hairline, negative below it


@lru_cache(maxsize=1)
def places(rig: Rig) -> Places:
    """The places of a rig."""
    brow, nearest = _distance(rig, [_line(rig, points) for points in BROWS])
    line = np.concatenate([_line(rig, points) for points in BROWS])
    along = np.tile(np.linspace(0, 1, len(line) // 2, dtype=np.float32), 2)
    return Places(
        brow=brow,
        brow_along=along[nearest],
        brow_above=(rig.neutral[:, 1] - line[nearest, 1]).astype(np.float32),
        upper_lid=_distance(rig, [_line(rig, points) for points in UPPER_LIDS])[0],
        lower_lid=_distance(rig, [_line(rig, points) for points in LOWER_LIDS])[0],
        lips=_lips(rig),
        cheek=_cheek(rig),
        beard=_beard(rig),
        scalp=_scalp(rig),
    )


def _line(rig: Rig, points: list[int], steps: int = 10) -> NDArray[np.float32]:
    """A fine polyline through landmarks, (n, 3)."""
    corners = rig.neutral[rig.landmarks[points]]
    at = np.linspace(0, len(points) - 1, (len(points) - 1) * steps + 1)
    return np.stack([np.interp(at, range(len(points)), corners[:, axis]) for axis in range(3)], 1).astype(np.float32)


def _distance(rig: Rig, lines: list[NDArray[np.float32]]) -> tuple[Field, NDArray[np.int64]]:
    """Distance of each face vertex from the nearest point of some lines, and that point's index."""
    points = np.concatenate(lines)
    gaps = np.linalg.norm(rig.neutral[FACE, None] - points[None], axis=2)
    distance, nearest = np.full(VERTICES, FAR, np.float32), np.zeros(VERTICES, np.int64)
    distance[FACE], nearest[FACE] = gaps.min(1), gaps.argmin(1)
    return distance, nearest


def _lips(rig: Rig) -> Field:
    from skimage.measure import points_in_poly

    outline = _line(rig, OUTER_LIPS)
    distance, _ = _distance(rig, [outline])
    front = rig.neutral[FACE, 2] > outline[:, 2].min() - 0.5
    inside = points_in_poly(rig.neutral[FACE, :2], outline[:, :2]) & front
    distance[FACE] *= np.where(inside, -1, 1)
    return distance


def _cheek(rig: Rig) -> Field:
    marks = rig.neutral[rig.landmarks]
    centres = [marks[[36, 31, 48]].mean(0), marks[[45, 35, 54]].mean(0), marks[30]]
    gaps = np.stack([np.linalg.norm(rig.neutral - centre, axis=1) for centre in centres])
    warm: Field = np.exp(-((gaps.T / (2.2, 2.2, 1.2)) ** 2)).max(1).astype(np.float32)
    return warm


def _beard(rig: Rig) -> Field:
    """Chin, jaw and upper lip, fading towards cheeks and neck."""
    marks = rig.neutral[rig.landmarks]
    x, y, z = rig.neutral.T
    below_nose = _ramp(marks[33, 1] - 0.4 - 0.25 * np.abs(x) - y, 0.8)
    above_neck = _ramp(y - marks[8, 1] + 1.5, 1.0)
    beard = below_nose * above_neck * _ramp(z - 1.0, 2.0)
    beard[HEAD.stop :] = 0
    return beard.astype(np.float32)


def _scalp(rig: Rig) -> Field:
    x, y, z = rig.neutral.T
    angle = np.degrees(np.arctan2(np.abs(x), z - 1.5))
    angles, heights = zip(*HAIRLINE, strict=True)
    above: Field = (y - np.interp(angle, angles, heights)).astype(np.float32)
    above[HEAD.stop :] = -FAR
    return above


def _ramp(value: Field, width: float) -> Field:
    """0 up to 0, 1 from `width` on."""
    risen: Field = np.clip(value / width, 0, 1)
    return risen
