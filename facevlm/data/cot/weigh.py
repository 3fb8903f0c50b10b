"""How far the action units of a face bear out each emotion, by the prototypes of `facs`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Literal

from facevlm import facs
from facevlm.data.cot.coding import Coding
from facevlm.types import EMOTIONS, Emotion, Value

# A parted mouth belongs to so many expressions that it speaks against none.
COMMON = frozenset({25, 26})
NEAR = 0.85  # of the best score, from which an emotion is as well supported as the best
HALF = 0.5  # what an optional unit, or one half of the face where both are typical, counts

# How the units bear on a label: make its prototype or lead to it, less than to another, not at all, or there are none.
Relation = Literal["leads", "trails", "unsupported", "absent"]


class Fit(Value):
    """How far a face meets the prototypes of one emotion: the one it meets best, and what of it is not seen."""

    emotion: Emotion
    required: frozenset[int]
    seen: frozenset[int]  # of the units of that prototype, required or optional
    typical: frozenset[int]  # of the units of any of its prototypes
    missing: frozenset[int]  # required and not seen, whether known to be absent or not
    whole: bool  # every required unit is seen: on one and the same half of a one-sided prototype, else on both
    score: float


class Weighing(Value):
    """The evidence on one face for and against one emotion."""

    emotion: Emotion
    relation: Relation
    support: frozenset[int]
    against: frozenset[int]  # typical of other emotions and not of this one
    idle: frozenset[int]  # seen, and in no prototype
    fit: Fit | None  # None for neutral, which has no prototypes
    fits: tuple[Fit, ...]  # of the seven other than neutral, the best first
    compound: facs.Compound | None  # an expression of this emotion with another, all of whose units are there

    @property
    def best(self) -> Fit:
        return self.fits[0]

    def rivals(self) -> tuple[Fit, ...]:
        """The other emotions that have part of a prototype here, more than a parted mouth, the best first."""
        return tuple(fit for fit in self.fits if fit.emotion != self.emotion and fit.seen - COMMON)

    def nothing_of(self) -> tuple[Emotion, ...]:
        """The other emotions of which no unit is seen."""
        return tuple(fit.emotion for fit in self.fits if fit.emotion != self.emotion and not fit.typical)


def weigh(coding: Coding, emotion: Emotion) -> Weighing:
    """The evidence for and against an emotion."""
    ranked = fits(coding)
    fit = next((each for each in ranked if each.emotion == emotion), None)
    support = supporting(coding, emotion)
    support = support if support - COMMON else frozenset()
    typical = frozenset[int]().union(*(supporting(coding, each) for each in EMOTIONS))
    return Weighing(
        emotion=emotion,
        relation=_relation(coding, support, fit, ranked[0]),
        support=support,
        against=typical - support - COMMON,
        idle=coding.seen - typical,
        fit=fit,
        fits=ranked,
        compound=_compound(coding, emotion),
    )


def fits(coding: Coding) -> tuple[Fit, ...]:
    """How far each emotion but neutral is met, the best first."""
    best = (_best_fit(coding, emotion) for emotion in EMOTIONS if facs.prototypes(emotion))
    return tuple(sorted(best, key=lambda fit: -fit.score))


def supporting(coding: Coding, emotion: Emotion) -> frozenset[int]:
    """The units seen that are typical of an emotion, on the side it asks for."""
    if not _one_sided(emotion):
        return coding.seen & facs.typical(emotion)
    return frozenset(code for code in coding.seen & facs.typical(emotion) if coding.side(code) != "both")


def typical_of(codes: Iterable[int], coding: Coding, other_than: Emotion) -> Emotion:
    """The emotion that these units are typical of before all others but one."""
    wanted = frozenset(codes)

    def rank(emotion: Emotion) -> tuple[float, float]:
        own = wanted & supporting(coding, emotion)
        return coding.strength(own), sum(_commonness(code, emotion) for code in own)

    return max((each for each in EMOTIONS if each != other_than), key=rank)


def shared_by(codes: Iterable[int], coding: Coding) -> tuple[Emotion, ...]:
    """The emotions that every one of these units is typical of."""
    wanted = frozenset(codes)
    return tuple(emotion for emotion in EMOTIONS if wanted <= supporting(coding, emotion))


def _relation(coding: Coding, support: frozenset[int], fit: Fit | None, best: Fit) -> Relation:
    if not coding.observations:
        return "absent"
    if fit is None or not support:
        return "unsupported"
    as_good = fit.score >= NEAR * best.score
    as_much = not best.whole and coding.strength(fit.seen) >= coding.strength(best.seen)
    return "leads" if as_good or as_much else "trails"


def _best_fit(coding: Coding, emotion: Emotion) -> Fit:
    known = supporting(coding, emotion)
    return max((_fit(coding, row, known) for row in facs.prototypes(emotion)), key=lambda fit: fit.score)


def _fit(coding: Coding, row: facs.Prototype, known: frozenset[int]) -> Fit:
    seen = known & row.required
    telling, common = seen - COMMON, (known & row.optional) | (seen & COMMON)
    weight = _strength(coding, telling, row) + HALF * _strength(coding, common, row)
    return Fit(
        emotion=row.emotion,
        required=row.required,
        seen=known & (row.required | row.optional),
        typical=known,
        missing=row.required - seen,
        whole=seen == row.required and _in_place(coding, row),
        score=weight * len(seen) / len(row.required),
    )


def _in_place(coding: Coding, row: facs.Prototype) -> bool:
    sides = {coding.side(code) for code in row.required}
    return len(sides) == 1 and ("both" in sides) != row.one_sided


def _strength(coding: Coding, codes: frozenset[int], row: facs.Prototype) -> float:
    if row.one_sided:
        return coding.strength(codes)
    halves = [code for code in codes if coding.side(code) != "both"]
    return coding.strength(codes) - (1 - HALF) * coding.strength(halves)


def _compound(coding: Coding, emotion: Emotion) -> facs.Compound | None:
    """The largest whole compound of this emotion in which its partner has units of its own, each more than slight.

    A slight unit of another emotion is an error of the measurement more often than a second emotion.
    """
    slight = frozenset(each.au for each in coding.observations if each.intensity in "AB") - supporting(coding, emotion)
    there = coding.seen - slight
    whole = [row for row in facs.compounds() if emotion in row.emotions and row.aus <= there]
    own = [row for row in whole if all(_own(row, each) for each in row.emotions)]
    return max(own, key=lambda row: len(row.aus), default=None)


@cache
def _commonness(code: int, emotion: Emotion) -> float:
    """The share of an emotion's prototypes that require a unit."""
    rows = facs.prototypes(emotion)
    return sum(code in row.required for row in rows) / len(rows)


@cache
def _one_sided(emotion: Emotion) -> bool:
    return all(row.one_sided for row in facs.prototypes(emotion)) and bool(facs.prototypes(emotion))


def _own(row: facs.Compound, emotion: Emotion) -> frozenset[int]:
    (other,) = (each for each in row.emotions if each != emotion)
    return row.aus & facs.typical(emotion) - facs.typical(other)
