"""The FACS tables, read from the YAML files of this folder. Knows the values of `types`, and nothing of pictures.

The Facial Action Coding System is Ekman, Friesen & Hager (2002); each row carries the source it was taken from.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from facevlm.errors import InputError
from facevlm.types import AU_CODES, INTENSITY_VALUES, Emotion, Intensity, Value

Place = Literal["left", "right", "middle"]

FAINTEST = 0.05  # below half of grade A nothing is claimed


class Unit(Value):
    """One action unit: its muscles, where on the face it shows, and phrases that say how.

    `region` holds indices of MediaPipe's 478 landmarks; left and right are the person's own. The phrases of `one_sided`
    have a place for {side}; there are none where `sided` is false.
    """

    code: int
    name: str
    muscles: tuple[str, ...]
    sided: bool
    region: dict[Place, tuple[int, ...]]
    evidence: tuple[str, ...]
    one_sided: tuple[str, ...]
    source: str


class Prototype(Value):
    """Action units that together are typical of an emotion; `one_sided` where only half the face shows them."""

    emotion: Emotion
    required: frozenset[int]
    optional: frozenset[int]
    one_sided: bool = False
    source: str


class Compound(Value):
    """An expression of two emotions at once, and the action units at its core."""

    name: str
    emotions: tuple[Emotion, Emotion]
    aus: frozenset[int]
    source: str


class Contradiction(Value):
    """Two action units that cannot be seen together on one face, and why."""

    aus: tuple[int, int]
    reason: str
    source: str


def unit(code: int) -> Unit:
    """One action unit by its FACS number. Raises InputError for a number FaceVLM does not speak of."""
    known = _units()
    if code not in known:
        raise InputError(f"AU {code} is not known here; use one of {', '.join(map(str, known))}")
    return known[code]


def units() -> tuple[Unit, ...]:
    """All 24 action units, in the order of their numbers."""
    return tuple(_units().values())


def grade(value: float) -> Intensity | None:
    """The FACS letter nearest to a measured strength from 0 to 1 (A .1, B .3, C .5, D .7, E .9); None below 0.05."""
    letters, strengths = zip(*INTENSITY_VALUES.items(), strict=True)
    midpoints = [(low + high) / 2 for low, high in pairwise(strengths)]
    letter: Intensity = letters[bisect_right(midpoints, value)]
    return letter if value >= FAINTEST else None


def intensity_word(letter: Intensity) -> str:
    """The manual's word for a grade, "severe" for D."""
    return _intensity_words()[letter]


def prototypes(emotion: Emotion) -> tuple[Prototype, ...]:
    """The alternatives by which an emotion is typically shown; none for neutral."""
    return _prototypes().get(emotion, ())


@cache
def typical(emotion: Emotion) -> frozenset[int]:
    """Every action unit that belongs to some prototype of the emotion, required or optional."""
    return frozenset[int]().union(*(row.required | row.optional for row in prototypes(emotion)))


@cache
def compounds() -> tuple[Compound, ...]:
    """The 17 compound expressions of Du, Tao & Martinez (2014)."""
    return tuple(Compound(**row | {"source": _cite(row["source"])}) for row in _read("compounds"))


def contradictions(among: Collection[int] = AU_CODES) -> tuple[Contradiction, ...]:
    """The pairs that cannot be seen together, of these action units; empty where a face may show them all at once."""
    return tuple(row for row in _contradictions() if set(row.aus) <= set(among))


@cache
def _contradictions() -> tuple[Contradiction, ...]:
    return tuple(Contradiction(**row | {"source": _cite(row["source"])}) for row in _read("contradictions"))


@cache
def _units() -> dict[int, Unit]:
    return {row["code"]: _unit(row) for row in _read("units")}


def _unit(row: dict[str, Any]) -> Unit:
    one_sided = row.get("one_sided", ())
    fields = {key: row[key] for key in ("code", "name", "muscles", "evidence")}
    region = _region(row["regions"])
    return Unit(**fields, one_sided=one_sided, sided=bool(one_sided), region=region, source=_cite(row["source"]))


def _region(names: list[str]) -> dict[Place, tuple[int, ...]]:
    parts = [_read("regions")[name] for name in names]
    return {place: tuple(sorted({point for part in parts for point in part[place]})) for place in get_args(Place)}


@cache
def _prototypes() -> dict[Emotion, tuple[Prototype, ...]]:
    return {
        emotion: tuple(Prototype(emotion=emotion, **row | {"source": _cite(row["source"])}) for row in rows)
        for emotion, rows in _read("prototypes").items()
    }


@cache
def _intensity_words() -> dict[Intensity, str]:
    return {row["letter"]: row["word"] for row in _read("intensities")}


def _cite(keys: str | list[str]) -> str:
    names = [keys] if isinstance(keys, str) else keys
    return "; ".join(_read("sources")[name] for name in names)


@cache
def _read(table: str) -> Any:
    return yaml.safe_load((Path(__file__).parent / f"{table}.yaml").read_text(encoding="utf-8"))
