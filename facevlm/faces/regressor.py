"""From a mesh and the skin under it to the strength of every action unit: small networks, run in numpy.

A convolutional network for each patch of skin tells what it shows. Of the two that tell action units, one sees brows
and eyes alone and speaks of what moves there: that a mouth is open says nothing of them. The other sees the whole face
and speaks of the rest. Each speaks for the left half of a face; the right half is the left of the face in a mirror, so
that sides are treated alike by construction. Fitted by `facevlm train au`, which writes `action_units.npz` and
`action_units.json`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facevlm.faces.appearance import PATCHES
from facevlm.faces.pose import mean_face
from facevlm.types import AU_CODES

Floats = NDArray[np.float32]
Layers = tuple[tuple[Floats, Floats], ...]  # weight and bias of each

WEIGHTS = Path(__file__).parent / "action_units.npz"
TABLE = Path(__file__).parent / "action_units.json"
POSE_SCALE = 15.0  # degrees
UPPER = np.isin(AU_CODES, (1, 2, 4, 5, 7, 43))  # (24,) what brows and eyes show
_UPPER_PATCHES = np.isin(tuple(PATCHES), ("eye", "knot"))
_LOWEST = -0.35  # of the mean face, between its eyes and its nostrils
FLAT = 8.0  # grey levels, added to the contrast of a patch, so that one without any is not all noise


@dataclass(frozen=True)
class Projection:
    """Principal components of a description: what is kept of it, each about as wide as the others."""

    mean: Floats  # (d,)
    basis: Floats  # (d, k)
    scale: Floats  # (k,)

    def __call__(self, rows: Floats) -> Floats:
        """(n, d) → (n, k)."""
        projected: Floats = ((rows - self.mean) @ self.basis) / self.scale
        return projected


@dataclass(frozen=True)
class Regressor:
    brow: Projection  # of the upper part of the mesh
    shape: Projection  # of the whole mesh
    skin: Layers  # of p patches: convolutions of weight (p, 9 · in, out), the last (p, in, k); biases (p, 1, out)
    upper: Layers  # weights (out, in)
    lower: Layers
    kept: Floats  # (24,) share of a difference of the halves' outputs that is likely to be true
    knots: Floats  # (24, 5) outputs that stand for the strengths of VALUES

    @property
    def sizes(self) -> tuple[int, int, int]:
        """How many features there are of brows, of the whole shape, and of each patch."""
        return self.brow.basis.shape[1], self.shape.basis.shape[1], self.skin[-1][1].shape[-1]

    def describe(self, frontal: Floats, pose: Floats, patches: NDArray[np.uint8]) -> Floats:
        """What the networks see of n faces, as they are and in a mirror: (n, 2, features).

        Args:
            frontal: (n, 478, 3) meshes of `pose.frontalise`.
            pose: (n, 3) yaw, pitch and roll in degrees.
            patches: (n, 2, p, SIDE, SIDE) of `appearance`.
        """
        mesh, skin = self.mesh(frontal, pose), seen(self.skin, patches.reshape(-1, *patches.shape[2:]))
        features: Floats = np.concatenate([mesh[..., :-3], skin.reshape(*mesh.shape[:2], -1), mesh[..., -3:]], 2)
        return features

    def mesh(self, frontal: Floats, pose: Floats) -> Floats:
        """The features of `describe` without the skin: the components of both halves, then the pose."""
        sides = []
        for mesh, turn in ((frontal, (1, 1, 1)), (mirrored(frontal), (-1, 1, -1))):
            moved = mesh - mean_face()
            brow = self.brow(moved[:, upper_points()].reshape(len(mesh), -1))
            shape = self.shape(moved.reshape(len(mesh), -1))
            sides.append(np.concatenate([brow, shape, pose * np.array(turn, np.float32) / POSE_SCALE], 1))
        features: Floats = np.stack(sides, 1).astype(np.float32)
        return features

    def raw(self, features: Floats) -> Floats:
        """The networks' outputs, (..., features) → (..., 24)."""
        upper, lower = columns(*self.sizes)
        outputs = np.empty((*features.shape[:-1], len(AU_CODES)), np.float32)
        outputs[..., UPPER] = _through(self.upper, features[..., upper])
        outputs[..., ~UPPER] = _through(self.lower, features[..., lower])
        return outputs

    def evened(self, raw: Floats) -> Floats:
        """Outputs of both halves, (..., 2, 24), with as much of their difference as is likely to be true.

        A network that sees one half at a time takes its own error for a difference: of most units half of it or more.
        """
        middle = raw.mean(-2, keepdims=True)
        told: Floats = middle + self.kept * (raw - middle)
        return told

    def strengths(self, raw: Floats) -> Floats:
        """Outputs (..., 24) as intensities from 0 to 1, piecewise linear between the knots."""
        values = [np.interp(raw[..., row], self.knots[row], VALUES) for row in range(len(AU_CODES))]
        return np.stack(values, -1).astype(np.float32)


def columns(brow: int, shape: int, skin: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which features the upper network sees and which the lower one, by `Regressor.sizes`."""
    patches = np.repeat(_UPPER_PATCHES, skin)
    upper = np.concatenate([np.ones(brow, bool), np.zeros(shape, bool), patches, np.ones(3, bool)])
    lower = np.concatenate([np.zeros(brow, bool), np.ones(shape + len(patches) + 3, bool)])
    return upper, lower


@lru_cache(maxsize=1)
def upper_points() -> NDArray[np.bool_]:
    """(478,) the points of brows, eyes and what is between them."""
    above: NDArray[np.bool_] = mean_face()[:, 1] > _LOWEST
    return above


def seen(skin: Layers, patches: NDArray[np.uint8]) -> Floats:
    """What the networks of the skin tell of patches (n, p, SIDE, SIDE): (n, p · k)."""
    shown = patches.astype(np.float32).swapaxes(0, 1)
    contrast = shown.std((2, 3), keepdims=True) + FLAT
    maps = ((shown - shown.mean((2, 3), keepdims=True)) / contrast)[..., None]  # (p, n, side, side, channels)
    *convolutions, (weight, bias) = skin
    for kernel, shift in convolutions:
        around = _neighbours(maps)
        rows = around.reshape(len(maps), -1, kernel.shape[1])
        maps = np.maximum(rows @ kernel + shift, 0).reshape(*around.shape[:4], -1)
    told: Floats = np.maximum(maps.reshape(*maps.shape[:2], -1) @ weight + bias, 0)
    return told.swapaxes(0, 1).reshape(len(patches), -1)


def _neighbours(maps: Floats) -> Floats:
    """The 3 × 3 around every other pixel of maps (p, n, side, side, channels): (p, n, half, half, 9 · channels)."""
    side = maps.shape[2]
    framed = np.pad(maps, ((0, 0), (0, 0), (1, 1), (1, 1), (0, 0)))
    return np.concatenate([framed[:, :, y : y + side : 2, x : x + side : 2] for y in range(3) for x in range(3)], -1)


def _through(layers: Layers, rows: Floats) -> Floats:
    for weight, bias in layers[:-1]:
        rows = np.maximum(rows @ weight.T + bias, 0)
    weight, bias = layers[-1]
    outputs: Floats = rows @ weight.T + bias
    return outputs


# What the five knots of an action unit stand for: far below rest; the middle of resting faces; the output that only
# few resting faces reach, from which the unit counts as present; the middle and the top of faces at grade E.
VALUES = (0.0, 0.05, 0.2, 0.8, 1.0)


_PROJECTED = ("mean", "basis", "scale")


@lru_cache(maxsize=1)
def regressor() -> Regressor:
    """The regressor that ships."""
    with np.load(WEIGHTS) as arrays:
        return from_arrays({name: arrays[name].astype(np.float32) for name in arrays})


@lru_cache(maxsize=1)
def table() -> dict[int, dict[str, Any]]:
    """For each action unit its `threshold`, whether it is `measured` and its reliability, as `train au` found them."""
    rows: dict[str, dict[str, Any]] = json.loads(TABLE.read_text(encoding="utf-8"))["action_units"]
    return {int(code): row for code, row in rows.items()}


def from_arrays(arrays: dict[str, Floats]) -> Regressor:
    """A regressor from the arrays of its file."""
    brow, shape = (Projection(*(arrays[f"{part}_{each}"] for each in _PROJECTED)) for part in ("brow", "shape"))
    skin, upper, lower = (_layers(arrays, name) for name in ("skin", "upper", "lower"))
    return Regressor(brow, shape, skin, upper, lower, arrays["kept"], arrays["knots"])


def to_arrays(fitted: Regressor) -> dict[str, Floats]:
    """The arrays of a regressor's file."""
    arrays = {"kept": fitted.kept, "knots": fitted.knots}
    for name, part in (("brow", fitted.brow), ("shape", fitted.shape)):
        arrays |= {f"{name}_{each}": getattr(part, each) for each in _PROJECTED}
    for name, layers in (("skin", fitted.skin), ("upper", fitted.upper), ("lower", fitted.lower)):
        for number, (weight, bias) in enumerate(layers):
            arrays |= {f"{name}_weight{number}": weight, f"{name}_bias{number}": bias}
    return arrays


def _layers(arrays: dict[str, Floats], name: str) -> Layers:
    count = sum(each.startswith(f"{name}_weight") for each in arrays)
    return tuple((arrays[f"{name}_weight{n}"], arrays[f"{name}_bias{n}"]) for n in range(count))


def mirrored(frontal: Floats) -> Floats:
    """Frontal meshes (n, 478, 3) as in a mirror, each point in its partner's place."""
    flipped: Floats = (frontal * np.array((-1, 1, 1), np.float32))[:, _partners()]
    return flipped


@lru_cache(maxsize=1)
def _partners() -> NDArray[np.int64]:
    """For each of the 478 points the one on the other side, by the mean face, which is symmetric."""
    flipped = mean_face() * (-1, 1, 1)
    nearest: NDArray[np.int64] = np.linalg.norm(flipped[:, None] - mean_face()[None], axis=2).argmin(1)
    return nearest
