"""Colour for a model that ships none: skin, brows, lips, lashes, irises, teeth and stubble, vertex by vertex.

Without painted brows and lips no finder sees them move.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facevlm.data.synth import rig as rigs
from facevlm.data.synth.look import Look
from facevlm.data.synth.places import Field, places
from facevlm.data.synth.rig import Rig

Colours = NDArray[np.float32]  # (v, 3), 0–1

IRIS, PUPIL = 27.0, 12.0  # degrees around each eye's axis; the sclera covers the modelled iris
INSIDE: dict[str, tuple[slice, tuple[float, float, float]]] = {
    "mouth": (rigs.MOUTH_SOCKET, (0.28, 0.12, 0.11)),
    "gums": (rigs.GUMS, (0.62, 0.30, 0.30)),
    "teeth": (rigs.TEETH, (0.90, 0.87, 0.80)),
}


def paint(rig: Rig, look: Look) -> Colours:
    """The colour of every vertex, (v, 3) float32 from 0 to 1."""
    at, rng = places(rig), np.random.default_rng(look.seed)
    colours = np.tile(np.array(look.skin, np.float32), (len(rig.neutral), 1))
    colours *= (1 + look.mottle * _mottle(rig, rng))[:, None]
    _blend(colours, look.flush * at.cheek, (0.80, 0.35, 0.32))
    _blend(colours, look.stubble * at.beard * (at.lips > 0), tuple(0.6 * c for c in look.hair))
    _blend(colours, look.lip_density * _soft(0.05 - at.lips, 0.25), look.lips)
    _blend(colours, look.brow_density * _brow(at.brow, at.brow_along, at.brow_above, look, rng), look.brow)
    _blend(colours, look.lash_density * _soft(0.16 - at.upper_lid, 0.10), (0.08, 0.06, 0.05))
    _blend(colours, 0.5 * look.lash_density * _soft(0.10 - at.lower_lid, 0.10), (0.10, 0.07, 0.06))
    _blend(colours, (look.hair_kind != "none") * _soft(at.scalp - look.hairline, 0.4), look.hair)
    for part, colour in INSIDE.values():
        colours[part] = colour
    _eyes(rig, colours, look)
    return np.clip(colours, 0, 1)


def _brow(distance: Field, along: Field, above: Field, look: Look, rng: np.random.Generator) -> Field:
    """A brow is thickest near its inner end and thins out; its hairs leave gaps."""
    width = look.brow_width * np.interp(along, (0, 0.15, 0.6, 1), (0.8, 1.0, 0.8, 0.25))
    lifted = np.sqrt(np.maximum(distance**2 - above**2, 0) + (above - look.brow_height) ** 2)
    hairs = 0.75 + 0.25 * rng.random(len(distance), np.float32)
    return _soft(width - lifted, 0.18) * hairs


def _eyes(rig: Rig, colours: Colours, look: Look) -> None:
    for eye in rigs.EYEBALLS.values():
        ball = rig.neutral[eye]
        outward = ball - (ball.max(0) + ball.min(0)) / 2
        angle = np.degrees(np.arccos(outward[:, 2] / np.linalg.norm(outward, axis=1)))
        colours[eye] = (0.90, 0.88, 0.86)
        rim = np.array(look.iris) * 0.5
        _blend(colours[eye], _soft(IRIS - angle, 2.0), tuple(rim))
        _blend(colours[eye], _soft(IRIS - 4 - angle, 3.0), look.iris)
        _blend(colours[eye], _soft(PUPIL - angle, 2.0), (0.03, 0.03, 0.03))


def _mottle(rig: Rig, rng: np.random.Generator) -> Field:
    """A smooth uneven field of mean 0, from waves of 1 to 6 cm."""
    lengths = rng.uniform(1, 6, 8)
    waves = rng.normal(size=(8, 3)) * (2 * np.pi / lengths / np.sqrt(3))[:, None]
    field: Field = np.sin(rig.neutral @ waves.T.astype(np.float32) + rng.uniform(0, 6.3, 8)).mean(1).astype(np.float32)
    return field


def _soft(inside: Field, width: float) -> Field:
    """1 where `inside` is positive, fading to 0 over `width` beyond the edge."""
    weight: Field = np.clip(1 + inside / width, 0, 1).astype(np.float32)
    return weight


def _blend(colours: Colours, weight: Field, colour: tuple[float, ...]) -> None:
    colours += weight[:, None] * (np.array(colour, np.float32) - colours)
