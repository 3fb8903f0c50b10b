"""A label as texts that a matcher is asked about: what a face with it shows, and what it does not.

An emotion is described by its names, or by the action units typical of it (FACS), or by both. Any other label is taken
as it is written.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import yaml

from facevlm import facs
from facevlm.errors import InputError
from facevlm.matching import captions
from facevlm.matching.captions import Moved
from facevlm.matching.matcher import Matcher, Vectors
from facevlm.types import EMOTIONS, Emotion, Side, Value

Description = Literal["names", "units", "both"]
CONTRARY = 0.5  # weight of what the expression does not show, beside what it does
AT_REST = (1, 4, 12, 26)  # what a neutral face does not show: the brows raised or lowered, a smile, a dropped jaw


class Label(Value):
    """A label, and texts for what a face with it shows and does not show. A free label is its user's own words."""

    name: str
    shows: tuple[str, ...]
    shows_not: tuple[str, ...] = ()
    free: bool = False


def labels(names: Sequence[str], describe: Description = "names") -> tuple[Label, ...]:
    """The labels of these names.

    Raises:
        InputError: there are none, one is empty, or two are the same.
    """
    wanted = [" ".join(name.split()) for name in names]
    if not wanted or not all(wanted):
        raise InputError("no labels to choose among, or an empty one; give for example happiness,sadness,anger")
    folded = [name.casefold() for name in wanted]
    twice = next((name for name in wanted if folded.count(name.casefold()) > 1), None)
    if twice is not None:
        raise InputError(f"the label {twice!r} is there twice; give each once")
    return tuple(_label(name, describe) for name in wanted)


def shown(matcher: Matcher, chosen: Sequence[Label]) -> Vectors:
    """(labels, dim): the mean of the texts for what each label shows. Not of length 1."""
    return np.stack([matcher.texts(_texts(matcher, label)).mean(0) for label in chosen])


def embedded(matcher: Matcher, chosen: Sequence[Label]) -> Vectors:
    """(labels, dim): where a face that fits the label lies; what it shows, less what it does not. Not of length 1.

    What a label does not show is asked of matchers trained to read «no» and «without», as those of `facevlm train clip`
    are. Others take a negation for what it negates (Alhamoud et al. 2025, arXiv 2501.09425), and are not asked of it.
    """
    places = shown(matcher, chosen)
    for place, label in zip(places, chosen, strict=True):
        if label.shows_not and matcher.vocabulary:
            place -= CONTRARY * matcher.texts(label.shows_not).mean(0)
            place /= 1 + CONTRARY  # so that a label without contrary texts is measured on the same scale
    return places


def by_units(emotion: Emotion) -> Label:
    """An emotion by the action units of its prototypes, and those typical of others alone."""
    typical = facs.typical(emotion)
    if not typical:  # neutral
        return Label(name=emotion, shows=captions.still(), shows_not=_moved(AT_REST))
    required = frozenset[int]().union(*(row.required for row in facs.prototypes(emotion)))
    others = frozenset[int]().union(*(facs.typical(each) for each in EMOTIONS if each != emotion)) - typical
    one_sided = any(row.one_sided for row in facs.prototypes(emotion))
    return Label(name=emotion, shows=_moved(required, one_sided=one_sided), shows_not=_moved(others))


def _label(name: str, describe: Description) -> Label:
    emotion = next((each for each in EMOTIONS if each == name.casefold()), None)
    if emotion is None:
        return Label(name=name, shows=(name,), free=True)
    named = Label(name=name, shows=captions.naming(emotion), shows_not=captions.naming(emotion, there=False))
    if describe == "names":
        return named
    units = by_units(emotion).model_copy(update={"name": name})
    if describe == "units":
        return units
    return Label(name=name, shows=named.shows + units.shows, shows_not=named.shows_not + units.shows_not)


def _moved(units: Collection[int], *, one_sided: bool = False) -> tuple[str, ...]:
    sides: tuple[Side, ...] = ("left", "right") if one_sided else ("both",)
    return tuple(text for au in sorted(units) for side in sides for text in captions.moving(Moved(au=au, side=side)))


def _texts(matcher: Matcher, label: Label) -> tuple[str, ...]:
    """What a label shows; a free one in frames, unless the model reads whole words and was trained on labels bare."""
    if not label.free or matcher.vocabulary:
        return label.shows
    return tuple(frame.format(label=label.name) for frame in _frames())


@cache
def _frames() -> list[str]:
    frames: list[str] = yaml.safe_load((Path(__file__).parent / "frames.yaml").read_text(encoding="utf-8"))
    return frames
