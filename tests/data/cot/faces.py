"""Made faces: action units as a data set or a measurement would give them."""

from __future__ import annotations

import random
from typing import Any

from facevlm import facs
from facevlm.data.cot import Coding, Label, labelled
from facevlm.data.sample import UnitLabel
from facevlm.types import AU_CODES, EMOTIONS, ActionUnit, Emotion

SIDES: dict[str, Any] = {"": "both", "L": "left", "R": "right"}


def units(**grades: str) -> dict[int, UnitLabel]:
    """AU12="D", AU14="LC" and so on; every other unit absent."""
    there = {int(name[2:]): _label(grade) for name, grade in grades.items()}
    return {code: there.get(code, UnitLabel(present=False)) for code in AU_CODES}


def face(**grades: str) -> Coding:
    """The coding of `units`."""
    return labelled(units(**grades))


def measure(**values: float) -> dict[int, ActionUnit]:
    """AU12=0.7 and so on, the same on both sides."""
    return {
        (code := int(name[2:])): ActionUnit(code=code, value=value, left=value, right=value)
        for name, value in values.items()
    }


def random_units(rng: random.Random) -> dict[int, UnitLabel]:
    """Units present, absent and not coded, with and without a grade and a side; no contradictions."""
    found: dict[int, UnitLabel] = {}
    for code in rng.sample(AU_CODES, len(AU_CODES)):
        present = {each for each, label in found.items() if label.present}
        kind = rng.choice(("present", "absent", "not coded"))
        if kind == "absent":
            found[code] = UnitLabel(present=False)
        elif kind == "present" and not facs.contradictions(present | {code}):
            grade = rng.choice(("A", "B", "C", "D", "E", None))
            found[code] = UnitLabel(present=True, intensity=grade, side=rng.choice(("left", "right", "both", None)))
    return found


def random_label(rng: random.Random) -> Label:
    """An emotion, sometimes with a distribution or a compound."""
    shares = [rng.random() ** 3 for _ in EMOTIONS]
    votes: dict[Emotion, float] = {
        emotion: share / sum(shares) for emotion, share in zip(EMOTIONS, shares, strict=True)
    }
    compound = rng.choice(facs.compounds()).name if rng.random() < 0.1 else None
    distribution = votes if rng.random() < 0.3 else None
    return Label(emotion=rng.choice(EMOTIONS), distribution=distribution, compound=compound)


def _label(grade: str) -> UnitLabel:
    letter: Any = grade[-1]
    return UnitLabel(present=True, intensity=letter, side=SIDES[grade[:-1]])
