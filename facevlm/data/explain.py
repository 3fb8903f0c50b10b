"""The first chain-of-thought writer: measured action units and a label become observations, what they mean, an emotion.

The observations depend on the measurement alone. The interpretation first says what they look like together, then
commits to an emotion, then says how the observations bear on it: so nothing before that word gives the label away, and
the probability of an emotion is the probability of that word.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from facevlm import facs
from facevlm.types import EMOTIONS, ActionUnit, Emotion, Observation, Side

CLAIMED = 0.25  # from which an action unit is spoken of: a margin above the threshold a claim is checked against
MOST = 4  # observations; a small model need not tell everything
ONE_SIDED = 0.2  # difference between the sides from which one is spoken of alone
# A parted mouth belongs to so many expressions that it speaks against none.
COMMON = frozenset({25, 26})
APART = ((24, 25), (24, 26))  # cannot be seen together: the weaker is left out


def observe(units: Mapping[int, ActionUnit], rng: random.Random) -> tuple[Observation, ...]:
    """What stands out of measured action units, the strongest first."""
    strengths = {code: _strength(unit) for code, unit in units.items()}
    present = {code: value for code, value in strengths.items() if value >= CLAIMED}
    for pair in APART:
        if set(pair) <= set(present):
            del present[min(pair, key=lambda code: present[code])]
    strongest = sorted(present, key=lambda code: (-present[code], code))[:MOST]
    return tuple(_observation(units[code], present[code], rng) for code in strongest)


def interpret(observations: Sequence[Observation], emotion: Emotion, rng: random.Random) -> str:
    """What the observations look like together, the emotion, and how they bear on it."""
    return f"{picture(observations, rng)}: {emotion}, {_bearing(observations, emotion, rng)}."


def write(observations: Sequence[Observation], interpretation: str, emotion: Emotion, answer: Sequence[str]) -> str:
    """The answer as the compact JSON the model writes, with the fields of a prompt's `answer` in their order."""
    fields: dict[str, Any] = {
        "observations": [each.model_dump(include={"au", "intensity", "side", "evidence"}) for each in observations],
        "interpretation": interpretation,
        "emotion": emotion,
    }
    return json.dumps({name: fields[name] for name in answer}, separators=(",", ":"), ensure_ascii=False)


def picture(observations: Sequence[Observation], rng: random.Random) -> str:
    """The observations together, in words that name no emotion."""
    left = {each.au for each in observations}
    said: list[str] = []
    for pattern in _patterns():
        if left >= set(pattern["aus"]):
            left -= set(pattern["aus"])
            said.append(rng.choice(pattern["says"]))
    if not said:
        return rng.choice(("no movement stands out", "nothing moves far from rest"))
    *first, last = said[:3]
    return f"{', '.join(first)} and {last}" if first else last


def _bearing(observations: Sequence[Observation], emotion: Emotion, rng: random.Random) -> str:
    seen = {each.au for each in observations}
    if emotion == "neutral":
        quiet = ("the face is at rest", "all is at rest")
        faint = ("too faint to be an expression", "this may be the shape of the face")
        return rng.choice(faint if seen else quiet)
    support = seen & facs.typical(emotion)
    against = seen & _elsewhere(emotion)
    if not support:
        return rng.choice(("from the face as a whole", "seen in the whole face more than in one movement"))
    if not against:
        return rng.choice((f"typical of it: {_list(support)}", f"for it {_list(support)}"))
    return f"for it {_list(support)}, against it {_list(against)}"


@cache
def _elsewhere(emotion: Emotion) -> frozenset[int]:
    """Action units typical of other emotions and not of this one."""
    others = (facs.typical(other) for other in EMOTIONS if other != emotion)
    return frozenset[int]().union(*others) - facs.typical(emotion) - COMMON


def _list(codes: set[int] | frozenset[int]) -> str:
    return "AU " + ", ".join(str(code) for code in sorted(codes))


def _strength(unit: ActionUnit) -> float:
    side = _side(unit)
    value = unit.value if side == "both" else getattr(unit, side)
    return value or 0.0


def _side(unit: ActionUnit) -> Side:
    if unit.left is None or unit.right is None or abs(unit.left - unit.right) < ONE_SIDED:
        return "both"
    weaker = min(unit.left, unit.right)
    if weaker >= CLAIMED:
        return "both"
    return "left" if unit.left > unit.right else "right"


def _observation(unit: ActionUnit, strength: float, rng: random.Random) -> Observation:
    entry, side = facs.unit(unit.code), _side(unit)
    phrase = rng.choice(entry.evidence if side == "both" else entry.one_sided).format(side=side)
    intensity = facs.grade(strength)
    assert intensity is not None  # a present unit is above the faintest grade
    return Observation(au=unit.code, name=entry.name, intensity=intensity, side=side, evidence=phrase)


@cache
def _patterns() -> list[dict[str, Any]]:
    patterns: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "patterns.yaml").read_text())
    return patterns
