"""Captions for a batch of faces: one drawn for each face, and how true each is of every face of the batch."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from facevlm import facs
from facevlm.matching import captions
from facevlm.matching.captions import GRADES, Claim, Moved, Named, Still
from facevlm.types import AU_CODES, EMOTIONS, Emotion

MOST = 3  # claims of a caption
EMOTION = 0.4  # share of the captions of voted faces that name an emotion
DENIED = 0.25  # share of the captions that also say what is not there
GRADED = 0.15  # share of the claims that say how strong a unit is
RARE = 0.5  # power of a unit's rarity with which it is chosen


def caption(
    units: NDArray[np.float32],
    votes: NDArray[np.float32],
    rarity: NDArray[np.float32],
    emotions: Sequence[Emotion],
    rng: random.Random,
) -> tuple[Claim, ...]:
    """Claims that are true of one face.

    Args:
        units: (24, 2) strengths of its action units, left and right; NaN where unknown.
        votes: (8,) shares of its votes; zeros where nobody voted.
        rarity: (24,) weight with which a unit is spoken of.
        emotions: those that may be named.
        rng: what is drawn is drawn from.
    """
    if votes.sum() > 0 and rng.random() < EMOTION:
        return (_emotion(votes, emotions, rng),)
    seen = captions.present(units).max(1)
    there = [row for row in range(len(AU_CODES)) if seen[row] > rng.uniform(0.2, 0.9)]
    if not there:
        return (Still(),)
    chosen = _drawn(there, rarity, rng)
    claims: list[Claim] = [_moved(AU_CODES[row], units[row], rng) for row in chosen]
    absent = [row for row in range(len(AU_CODES)) if seen[row] < 0.05]
    if absent and rng.random() < DENIED:
        claims.append(Moved(au=AU_CODES[rng.choice(absent)], there=False))
    return tuple(claims)


def rarity(units: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, 24, 2) strengths → (24,) weights by which rare units are spoken of more often."""
    share = np.nanmean(captions.present(units).max(2), axis=0)
    return np.asarray((share + 0.01) ** -RARE, np.float32)


def truths(
    claims: Sequence[Sequence[Claim]], units: NDArray[np.float32], votes: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(faces, captions) how true each caption is of each face; NaN where that is not known."""
    return np.stack([captions.truth(each, units, votes) for each in claims], 1)


def _emotion(votes: NDArray[np.float32], emotions: Sequence[Emotion], rng: random.Random) -> Named:
    shares = [float(votes[EMOTIONS.index(each)]) for each in emotions]
    if rng.random() < DENIED:
        absent = [each for each, share in zip(emotions, shares, strict=True) if share < 0.05]
        if absent:
            return Named(emotion=rng.choice(absent), there=False)
    return Named(emotion=rng.choices(list(emotions), [share + 1e-6 for share in shares])[0])


def _drawn(there: list[int], weights: NDArray[np.float32], rng: random.Random) -> list[int]:
    """Up to three of the units, the rare ones rather."""
    left, chosen = list(there), []
    for _ in range(min(rng.randint(1, MOST), len(there))):
        row = rng.choices(left, [float(weights[each]) for each in left])[0]
        left.remove(row)
        chosen.append(row)
    return chosen


def _moved(code: int, sides: NDArray[np.float32], rng: random.Random) -> Moved:
    left, right = (float(each) for each in sides)
    if facs.unit(code).sided and abs(left - right) > captions.LEANING / 2:
        return Moved(au=code, side="left" if left > right else "right")
    if rng.random() < GRADED:
        letter = facs.grade(max(left, right))
        if letter in GRADES:
            return Moved(au=code, grade=letter)
    return Moved(au=code)
