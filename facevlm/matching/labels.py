"""A label as texts that a matcher is asked about: what a face with it shows, and what it does not.

An emotion is described by its names, or by the action units typical of it (FACS), or by both. Any other label is taken
as it is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from facevlm import facs
from facevlm.errors import InputError
from facevlm.matching import captions
from facevlm.matching.captions import Moved
from facevlm.matching.matcher import Matcher, Vectors
from facevlm.types import EMOTIONS, Emotion, Value

Description = Literal["names", "units", "both"]
CONTRARY = 0.5  # weight of what the expression does not show, beside what it does


class Label(Value):
    """A label and the texts that stand for it."""

    name: str
    shows: tuple[str, ...]
    shows_not: tuple[str, ...] = ()


def labels(names: Sequence[str], describe: Description = "names") -> tuple[Label, ...]:
    """The labels of these names.

    Raises:
        InputError: there are none, one is empty, or two are the same.
    """
    wanted = [" ".join(name.split()) for name in names]
    if not wanted or not all(wanted):
        raise InputError("no labels to choose among, or an empty one; give for example --labels happiness,sadness,anger")
    folded = [name.casefold() for name in wanted]
    twice = next((name for name in wanted if folded.count(name.casefold()) > 1), None)
    if twice is not None:
        raise InputError(f"the label {twice!r} is there twice; give each once")
    return tuple(_label(name, describe) for name in wanted)


def embedded(matcher: Matcher, chosen: Sequence[Label]) -> Vectors:
    """(labels, dim): where a face that fits the label lies; what it shows, less what it does not. Not of length 1."""
    return np.stack([_place(matcher, label) for label in chosen])


def by_units(emotion: Emotion) -> Label:
    """An emotion by the action units of its prototypes, and those typical of others alone."""
    typical = facs.typical(emotion)
    if not typical:  # neutral
        still = tuple(captions.still())
        return Label(name=emotion, shows=still, shows_not=_moved({12, 4, 1, 26}))
    required = frozenset[int]().union(*(row.required for row in facs.prototypes(emotion)))
    others = frozenset[int]().union(*(facs.typical(each) for each in EMOTIONS if each != emotion)) - typical
    one_sided = any(row.one_sided for row in facs.prototypes(emotion))
    return Label(name=emotion, shows=_moved(required, one_sided=one_sided), shows_not=_moved(others))


def _label(name: str, describe: Description) -> Label:
    emotion = next((each for each in EMOTIONS if each == name.casefold()), None)
    if emotion is None:
        return Label(name=name, shows=(name,))
    named = Label(name=name, shows=captions.naming(emotion), shows_not=captions.naming(emotion, there=False))
    if describe == "names":
        return named
    units = by_units(emotion).model_copy(update={"name": name})
    if describe == "units":
        return units
    return Label(name=name, shows=named.shows + units.shows, shows_not=named.shows_not + units.shows_not)


def _moved(units: Sequence[int] | frozenset[int] | set[int], *, one_sided: bool = False) -> tuple[str, ...]:
    sides: tuple[Literal["both", "left", "right"], ...] = ("left", "right") if one_sided else ("both",)
    return tuple(text for au in sorted(units) for side in sides for text in captions.moving(Moved(au=au, side=side)))


def _place(matcher: Matcher, label: Label) -> Vectors:
    shown = matcher.texts(label.shows).mean(0)
    return shown - CONTRARY * matcher.texts(label.shows_not).mean(0) if label.shows_not else shown
