"""What a face is asked to show: one action unit, an emotion's prototype, a compound, any combination, or nothing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from facevlm import facs
from facevlm.data.synth.expression import Move
from facevlm.data.synth.recipe import Kind, Recipe
from facevlm.types import AU_CODES, EMOTIONS, INTENSITY_VALUES, Emotion

TRIES = 200
OPTIONAL = 0.4  # how often an optional unit joins its prototype


class Part(NamedTuple):
    """The moves a face is given and what they stand for."""

    kind: Kind
    moves: dict[int, Move]
    emotion: Emotion | None = None
    compound: str | None = None


def draw(recipe: Recipe, rng: np.random.Generator) -> Part:
    """One part, without units that contradict each other."""
    kinds, shares = zip(*recipe.kinds.items(), strict=True)
    kind = kinds[rng.choice(len(kinds), p=np.array(shares) / sum(shares))]
    for _ in range(TRIES):
        part = _part(kind, recipe, rng)
        if not facs.contradictions(part.moves):
            return part
    raise AssertionError(f"no {kind} without contradiction in {TRIES} tries")


def _part(kind: Kind, recipe: Recipe, rng: np.random.Generator) -> Part:
    match kind:
        case "neutral":
            return Part(kind, {}, "neutral")
        case "single":
            return Part(kind, _moves([int(rng.choice(AU_CODES))], recipe, rng))
        case "random":
            count = int(rng.integers(recipe.units[0], recipe.units[1] + 1))
            return Part(kind, _moves([int(code) for code in rng.choice(AU_CODES, count, replace=False)], recipe, rng))
        case "compound":
            compound = facs.compounds()[rng.integers(len(facs.compounds()))]
            return Part(kind, _moves(sorted(compound.aus), recipe, rng, even=True), compound=compound.name)
        case "prototype":
            return _prototype(EMOTIONS[1 + int(rng.integers(len(EMOTIONS) - 1))], recipe, rng)


def _prototype(emotion: Emotion, recipe: Recipe, rng: np.random.Generator) -> Part:
    alternatives = facs.prototypes(emotion)
    chosen = alternatives[rng.integers(len(alternatives))]
    codes = sorted(chosen.required) + [code for code in sorted(chosen.optional) if rng.random() < OPTIONAL]
    if not chosen.one_sided:
        return Part("prototype", _moves(codes, recipe, rng, even=True), emotion)
    side = ("left", "right")[rng.integers(2)]
    moves = {code: _one_side(_strength(rng), side) for code in codes}
    return Part("prototype", moves, emotion)


def _moves(codes: list[int], recipe: Recipe, rng: np.random.Generator, *, even: bool = False) -> dict[int, Move]:
    return {code: _move(code, recipe, rng, even) for code in codes}


def _move(code: int, recipe: Recipe, rng: np.random.Generator, even: bool) -> Move:
    strength, draw, side = _strength(rng), rng.random(), ("left", "right")[rng.integers(2)]
    if even or not facs.unit(code).sided or draw > recipe.one_sided + recipe.uneven:
        return Move(left=strength, right=strength)
    if draw < recipe.one_sided:
        return _one_side(strength, side)
    weaker = round(strength * rng.uniform(0.3, 0.8), 2)
    return Move(left=weaker, right=strength) if side == "right" else Move(left=strength, right=weaker)


def _one_side(strength: float, side: str) -> Move:
    return Move(left=strength if side == "left" else 0, right=strength if side == "right" else 0)


def _strength(rng: np.random.Generator) -> float:
    """A letter from A to E, each as often, and a strength that rounds to it."""
    middle = list(INTENSITY_VALUES.values())[rng.integers(len(INTENSITY_VALUES))]
    return round(float(middle + rng.uniform(-0.09, 0.09)), 2)
