"""What a caption says of a face, in words, and how true that is of faces whose action units and votes are known.

A matcher is trained on captions and asked about labels in the same words. Because each claim of a caption can be held
against every face, a caption is right of all faces it is true of, not of its own alone.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from facevlm import facs
from facevlm.types import AU_CODES, EMOTIONS, INTENSITY_VALUES, Emotion, Intensity, Side, Value

FAINT, CLEAR = 0.1, 0.35  # strengths between which an action unit goes from absent to present
LEANING = 0.2  # difference of the sides that makes a unit one-sided
NEAR = 0.2  # strength by which one grade differs from the next
BRIEFLY = 0.3  # share of the phrases that are said in brief
GRADES: tuple[Intensity, ...] = ("B", "C", "D", "E")


class Named(Value):
    """The face shows an emotion, or does not."""

    emotion: Emotion
    there: bool = True


class Moved(Value):
    """The face shows an action unit, or does not; with more strength on one side of it, or with a grade."""

    au: int
    there: bool = True
    side: Side = "both"
    grade: Intensity | None = None


class Still(Value):
    """The face shows no action unit."""


Claim = Named | Moved | Still


def words(claims: Sequence[Claim], rng: random.Random) -> str:
    """A caption that makes these claims, worded by chance."""
    return rng.choice((", ", " and ")).join(_worded(claim, rng) for claim in claims)


def truth(claims: Sequence[Claim], units: NDArray[np.float32], votes: NDArray[np.float32]) -> NDArray[np.float32]:
    """How true all the claims together are of each face, (n,) in 0–1; NaN where that is not known.

    Args:
        claims: what a caption says.
        units: (n, 24, 2) strengths of the action units in 0–1, left and right; NaN where unknown.
        votes: (n, 8) shares of the votes for each emotion; zero rows where nobody voted.
    """
    held = [_true(claim, units, votes) for claim in claims]
    together: NDArray[np.float32] = np.prod(held, axis=0).astype(np.float32)
    return together


def present(units: NDArray[np.float32]) -> NDArray[np.float32]:
    """Strengths of action units → how far they count as present, 0–1."""
    shown: NDArray[np.float32] = ((units - FAINT) / (CLEAR - FAINT)).clip(0, 1)
    return shown


@cache
def naming(emotion: Emotion, *, there: bool = True) -> tuple[str, ...]:
    """Every caption that says the face shows an emotion, or that it does not."""
    known = _table()["emotions"][emotion]
    return tuple(
        text
        for frame in _table()["shows" if there else "shows_not"]
        for text in _filled(frame, known["nouns"], known["adjectives"])
    )


def moving(claim: Moved) -> tuple[str, ...]:
    """Every caption that makes one claim of an action unit, at length."""
    unit = facs.unit(claim.au)
    name = {"name": unit.name, "code": unit.code, "side": claim.side}
    if claim.grade:
        return tuple(each.format(**name, word=facs.intensity_word(claim.grade)) for each in _table()["graded"])
    kind = "seen_not" if not claim.there else "seen" if claim.side == "both" else "sided"
    phrases = unit.evidence if kind != "sided" else tuple(each.format(side=claim.side) for each in unit.one_sided)
    worded = [
        frame.format(**name, phrase=phrase)
        for frame in _table()[kind]
        for phrase in (phrases if "{phrase}" in frame else ("",))
    ]
    everyday = _table().get({"seen": "plain", "sided": "plain_sided"}.get(kind, ""), {}).get(claim.au, ())
    return (*worded, *(each.format(side=claim.side) for each in everyday))


def read(text: str) -> Moved | None:
    """The action unit, and the side of it, that a text says is seen; None for any text that is not such a caption."""
    return _readings().get(_folded(text))


def strength(claim: Moved, units: NDArray[np.float32]) -> NDArray[np.float32]:
    """How strongly each face shows what is claimed seen, (n,) in 0–1; NaN where it is not measured.

    A side that moves shows it whether or not the other moves too.
    """
    sides = units[:, AU_CODES.index(claim.au)]
    shown: NDArray[np.float32] = {"left": sides[:, 0], "right": sides[:, 1], "both": sides.max(1)}[claim.side]
    return shown


def still() -> tuple[str, ...]:
    """Every caption that says no action unit is seen."""
    return tuple(_table()["still"])


def every_text() -> Iterator[str]:
    """All that a caption of one claim can be, for the vocabulary."""
    for emotion in EMOTIONS:
        yield from naming(emotion)
        yield from naming(emotion, there=False)
    for unit in facs.units():
        yield from moving(Moved(au=unit.code))
        yield from moving(Moved(au=unit.code, there=False))
        for side in ("left", "right") if unit.sided else ():
            yield from moving(Moved(au=unit.code, side=side))
        for grade in INTENSITY_VALUES:
            yield from moving(Moved(au=unit.code, grade=grade))
    yield from still()


def briefly(text: str) -> str:
    """The text without its small words, as one types into a search box."""
    return re.sub(rf"\b({'|'.join(_table()['left_out'])})\b ?", "", text).strip()


@cache
def _readings() -> dict[str, Moved]:
    claims = [
        Moved(au=unit.code, side=side)
        for unit in facs.units()
        for side in (("both", "left", "right") if unit.sided else ("both",))
    ]
    return {_folded(worded): claim for claim in claims for text in moving(claim) for worded in (text, briefly(text))}


def _folded(text: str) -> str:
    return " ".join(re.findall(r"[\w']+", text.casefold()))


def _worded(claim: Claim, rng: random.Random) -> str:
    if isinstance(claim, Named):
        return rng.choice(naming(claim.emotion, there=claim.there))
    text: str = rng.choice(moving(claim)) if isinstance(claim, Moved) else rng.choice(still())
    return briefly(text) if rng.random() < BRIEFLY else text


def _true(claim: Claim, units: NDArray[np.float32], votes: NDArray[np.float32]) -> Any:
    if isinstance(claim, Named):
        share = np.where(votes.sum(1) > 0, votes[:, EMOTIONS.index(claim.emotion)], np.nan)
        return share if claim.there else 1 - share
    if isinstance(claim, Still):
        return 1 - present(units).max((1, 2))
    left, right = units[:, AU_CODES.index(claim.au)].T
    strongest = np.maximum(left, right)
    if claim.grade:
        return (1.5 - np.abs(strongest - INTENSITY_VALUES[claim.grade]) / NEAR).clip(0, 1)
    if claim.side != "both":
        here, there = (left, right) if claim.side == "left" else (right, left)
        return present(here) * ((here - there) / LEANING).clip(0, 1)
    return present(strongest) if claim.there else 1 - present(strongest)


def _filled(frame: str, nouns: Sequence[str], adjectives: Sequence[str]) -> list[str]:
    if "{noun}" in frame:
        return [frame.format(noun=each) for each in nouns]
    return [re.sub(r"\ba (?=[aeiou])", "an ", frame.format(adjective=each)) for each in adjectives]


@cache
def _table() -> Any:
    return yaml.safe_load((Path(__file__).parent / "captions.yaml").read_text(encoding="utf-8"))
