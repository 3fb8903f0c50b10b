"""Action units as the rig shows them, and what of them can be seen only once the face has moved."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from facevlm.data.synth.rig import Rig
from facevlm.data.synth.shapes import shape_table
from facevlm.types import Value

Delta = NDArray[np.float32]

# Inner lips among the 68 landmarks, upper above lower.
UPPER_LIP, LOWER_LIP = [61, 62, 63], [67, 66, 65]
GAP_AT_ONE = 0.64  # cm that AU 25 alone parts the lips at its strongest
SEEN_GAP = 0.1  # cm; lips closer than this look closed


class Move(Value):
    """How strongly each side of the face shows an action unit, 0–1; the letters of FACS are .1 .3 .5 .7 .9."""

    left: float = Field(ge=0, le=1)
    right: float = Field(ge=0, le=1)

    @property
    def strongest(self) -> float:
        return max(self.left, self.right)


def displace(rig: Rig, moves: Mapping[int, Move]) -> Delta:
    """What the moves do to the face, (v, 3) cm. A shape that several units use is driven by the strongest of them."""
    strengths: dict[str, float] = {}
    for code, move in moves.items():
        for name, gain in shape_table()[code].items():
            for shape, amount in _sides(rig, name, move):
                strengths[shape] = max(strengths.get(shape, 0.0), amount * gain)
    moved = np.zeros_like(rig.neutral)
    for shape, strength in strengths.items():
        moved += np.float32(strength) * rig.expressions[shape]
    return moved


def with_parted_lips(rig: Rig, moves: Mapping[int, Move], resting: Delta, moved: Delta) -> dict[int, Move]:
    """The moves, with AU 25 as strong as the lips are apart: other units part them too, and then it is there to see."""
    opened = gap(rig, resting + moved) - gap(rig, resting)
    if opened < SEEN_GAP:
        return {code: move for code, move in moves.items() if code != 25}
    strength = round(min(1.0, opened / GAP_AT_ONE), 2)
    return {**moves, 25: Move(left=strength, right=strength)}


def gap(rig: Rig, points: Delta) -> float:
    """Height between the inner lips, cm."""
    upper, lower = (points[rig.landmarks[chosen], 1] for chosen in (UPPER_LIP, LOWER_LIP))
    return float((upper - lower).mean())


def _sides(rig: Rig, name: str, move: Move) -> list[tuple[str, float]]:
    if name in rig.expressions:
        return [(name, move.strongest)]
    return [(f"{name}_L", move.left), (f"{name}_R", move.right)]
