"""A person's body in space: identity and expression as vertices, gaze, hair or cap as a shell, normals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facevlm.data.synth import rig as rigs
from facevlm.data.synth.expression import Move, displace, gap, with_parted_lips
from facevlm.data.synth.look import Look
from facevlm.data.synth.paint import paint
from facevlm.data.synth.places import places
from facevlm.data.synth.rig import Rig

Points = NDArray[np.float32]  # (v, 3) cm


@dataclass(frozen=True)
class Mesh:
    """Coloured triangles of one head."""

    points: Points
    triangles: NDArray[np.int32]
    normals: Points
    colours: NDArray[np.uint8]  # (v, 3)


def identity(rig: Rig, number: int, spread: float = 0.9) -> Points:
    """The resting face of this number, lips closed, (v, 3) cm. `spread` is in the rig's standard deviations."""
    rng = np.random.default_rng([11, number])
    weights = (spread * np.clip(rng.normal(size=len(rig.identities)), -2.5, 2.5)).astype(np.float32)
    points = rig.neutral + np.tensordot(weights, rig.identities, axes=1)
    jaw = rig.expressions["jawOpen"]
    by_jaw = gap(rig, rig.neutral + jaw) - gap(rig, rig.neutral)
    closed: Points = points - np.float32((gap(rig, points) - gap(rig, rig.neutral)) / by_jaw) * jaw
    return closed


def move(
    rig: Rig, resting: Points, moves: Mapping[int, Move], gaze: tuple[float, float]
) -> tuple[Points, dict[int, Move]]:
    """The face once it has moved, and its action units as they are then to be seen.

    Args:
        gaze: degrees to the person's left and up.
    """
    moved = displace(rig, moves)
    points = resting + moved
    _look(points, gaze)
    return points, with_parted_lips(rig, moves, resting, moved)


def dress(rig: Rig, points: Points, look: Look) -> Mesh:
    """The painted mesh of a face, with its hair."""
    colours = paint(rig, look)
    normals = _normals(points, rig.triangles)
    triangles = rig.triangles
    if look.hair_kind != "none":
        points, triangles, normals, colours = _with_hair(rig, points, normals, colours, look)
    return Mesh(points, triangles, normals, (colours * 255).astype(np.uint8))


def _look(points: Points, gaze: tuple[float, float]) -> None:
    left, up = np.radians(gaze)
    turn = _about_y(left) @ _about_x(-up)
    for eye in rigs.EYEBALLS.values():
        centre = (points[eye].max(0) + points[eye].min(0)) / 2
        points[eye] = (points[eye] - centre) @ turn.T.astype(np.float32) + centre


def _with_hair(
    rig: Rig, points: Points, normals: Points, colours: NDArray[np.float32], look: Look
) -> tuple[Points, NDArray[np.int32], Points, NDArray[np.float32]]:
    """A second skin over the scalp, lifted along the normals, bumpy for hair and smooth for a cap."""
    above = places(rig).scalp - look.hairline
    covered = rig.triangles[(above[rig.triangles] > 0).all(1)]
    chosen, triangles = np.unique(covered, return_inverse=True)
    rng = np.random.default_rng([13, look.seed])
    rise = np.clip(above[chosen] / 1.5, 0, 1) * look.hair_depth
    rough = {"short": 0.12, "full": 0.3}.get(look.hair_kind, 0.0)
    if look.hair_kind == "full":  # falls outwards at the sides
        rise = rise * (1 + 0.5 * np.clip(1 - points[chosen, 1] / 10, 0, 1.5))
    bumps = rough * _smooth_noise(rig, chosen, rng)
    shell = points[chosen] + normals[chosen] * (rise + bumps * (rise > 0))[:, None]
    tint = np.array(look.hair, np.float32) * (1 + (rough > 0) * 0.25 * rng.normal(size=(len(chosen), 1)).clip(-2, 2))
    shell_triangles = triangles.reshape(-1, 3).astype(np.int32)
    return (
        np.concatenate([points, shell.astype(np.float32)]),
        np.concatenate([rig.triangles, shell_triangles + len(points)]).astype(np.int32),
        np.concatenate([normals, _normals(shell, shell_triangles)]),
        np.concatenate([colours, np.clip(tint, 0, 1).astype(np.float32)]),
    )


def _smooth_noise(rig: Rig, chosen: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float32]:
    waves = rng.normal(size=(6, 3)) * 2.5
    field: NDArray[np.float32] = np.sin(rig.neutral[chosen] @ waves.T + rng.uniform(0, 6.3, 6)).mean(1)
    return field


def _normals(points: Points, triangles: NDArray[np.int32]) -> Points:
    """Unit normals of vertices, weighted by the area of their triangles."""
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    faces = np.cross(b - a, c - a)
    summed = np.stack(
        [np.bincount(triangles.ravel(), np.repeat(faces[:, axis], 3), len(points)) for axis in range(3)], 1
    )
    unit: Points = (summed / np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-9)).astype(np.float32)
    return unit


def _about_x(angle: float) -> NDArray[np.float64]:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])


def _about_y(angle: float) -> NDArray[np.float64]:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])


def _about_z(angle: float) -> NDArray[np.float64]:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


def turned(points: Points, yaw: float, pitch: float, roll: float) -> Points:
    """The head turned, degrees: yaw to the person's left, pitch up, roll to their right shoulder."""
    turn = _about_z(np.radians(roll)) @ _about_y(np.radians(yaw)) @ _about_x(-np.radians(pitch))
    moved: Points = (points @ turn.T).astype(np.float32)
    return moved
