"""What a person looks like apart from the shape of the face, drawn at random from a number."""

from __future__ import annotations

from typing import Literal

import numpy as np

from facevlm.types import Value

Colour = tuple[float, float, float]  # red, green, blue, 0–1
Hair = Literal["none", "short", "full", "cap"]

# Skin from the palest to the darkest in even steps of lightness, so that every tone is drawn as often as any other.
SKIN: tuple[Colour, ...] = (
    (0.96, 0.82, 0.74), (0.90, 0.74, 0.63), (0.82, 0.62, 0.49), (0.70, 0.49, 0.36), (0.54, 0.36, 0.25),
    (0.36, 0.23, 0.16),
)  # fmt: skip
HAIR: tuple[Colour, ...] = (
    (0.06, 0.05, 0.05), (0.16, 0.10, 0.07), (0.32, 0.20, 0.12), (0.55, 0.38, 0.20), (0.45, 0.20, 0.10),
    (0.60, 0.60, 0.60),
)  # fmt: skip
IRISES: tuple[Colour, ...] = ((0.20, 0.12, 0.07), (0.35, 0.22, 0.10), (0.35, 0.45, 0.55), (0.30, 0.42, 0.28))


class Look(Value):
    """Lengths in cm; densities, flush, mottle and stubble from 0 to 1."""

    skin: Colour
    mottle: float
    flush: float
    brow: Colour
    brow_width: float
    brow_height: float
    brow_density: float
    lips: Colour
    lip_density: float
    lash_density: float
    iris: Colour
    stubble: float
    hair: Colour
    hair_kind: Hair
    hairline: float
    hair_depth: float
    seed: int


def draw_look(number: int) -> Look:
    """The look of this number: the same number, the same look."""
    rng = np.random.default_rng([7, number])
    skin = _between(SKIN, rng)
    hair = HAIR[rng.integers(len(HAIR))] if sum(skin) > 1.7 else HAIR[rng.integers(2)]
    kind: Hair = ("none", "short", "full", "cap")[rng.choice(4, p=(0.1, 0.45, 0.3, 0.15))]
    rouge = rng.uniform(0.2, 0.9)
    return Look(
        skin=skin,
        mottle=rng.uniform(0.02, 0.12),
        flush=rng.uniform(0.0, 0.25),
        brow=_jitter(hair, rng, 0.05),
        brow_width=rng.uniform(0.22, 0.5),
        brow_height=rng.uniform(-0.1, 0.25),
        brow_density=rng.uniform(0.45, 0.95),
        lips=_mix(tuple(0.75 * part for part in skin), (0.62, 0.16, 0.20), rouge),
        lip_density=rng.uniform(0.35, 0.95),
        lash_density=rng.uniform(0.4, 1.0),
        iris=_jitter(IRISES[rng.integers(len(IRISES))] if sum(skin) > 1.5 else IRISES[0], rng, 0.04),
        stubble=max(0.0, rng.uniform(-0.5, 0.45)),
        hair=_jitter(hair if kind != "cap" else tuple(rng.uniform(0.05, 0.9, 3)), rng, 0.03),
        hair_kind=kind,
        hairline=rng.uniform(-0.8, 1.2),
        hair_depth=rng.uniform(0.4, 1.8),
        seed=int(rng.integers(2**31)),
    )


def _between(palette: tuple[Colour, ...], rng: np.random.Generator) -> Colour:
    """A colour at a random place along the palette."""
    place = rng.uniform(0, len(palette) - 1)
    first = min(int(place), len(palette) - 2)
    return _jitter(_mix(palette[first], palette[first + 1], place - first), rng, 0.02)


def _mix(first: tuple[float, ...], second: tuple[float, ...], share: float) -> Colour:
    red, green, blue = ((1 - share) * a + share * b for a, b in zip(first, second, strict=True))
    return red, green, blue


def _jitter(colour: tuple[float, ...], rng: np.random.Generator, amount: float) -> Colour:
    red, green, blue = (float(np.clip(part + rng.normal(0, amount), 0, 1)) for part in colour)
    return red, green, blue
