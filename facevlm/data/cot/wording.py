"""Sentence templates as data: `[one|another]` is a choice, `{slot}` is filled in, `{slot?one|many}` agrees with it."""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)(?:\?([^|{}]*)\|([^{}]*))?\}")

Slots = Mapping[str, Any]


@cache
def table(name: str) -> Any:
    """A YAML file of this folder."""
    return yaml.safe_load((Path(__file__).parent / f"{name}.yaml").read_text(encoding="utf-8"))


def sentence(templates: Sequence[str], slots: Slots, rng: random.Random) -> str:
    """One of the templates, chosen and filled in.

    A slot is text, or `Units`; only units have a number for `{slot?one|many}` to agree with.
    """
    text = _SLOT.sub(lambda match: _filled(match, slots), rng.choice(templates))
    while _CHOICE.search(text):
        text = _CHOICE.sub(lambda match: rng.choice(match[1].split("|")), text, count=1)
    return text


def capital(text: str) -> str:
    """With a capital at the start of every sentence."""
    return re.sub(r"(?:^|(?<=\. ))[a-z]", lambda match: match[0].upper(), text)


def joined(parts: Sequence[str], last: str = "and") -> str:
    """«a, b and c»; empty for no parts."""
    *first, final = parts or ("",)
    return f"{', '.join(first)} {last} {final}" if first else final


class Units:
    """Some action units as a slot: how they are written, and how many they are."""

    def __init__(self, codes: Collection[int], text: str) -> None:
        self.one = len(codes) == 1
        self.text = text


def _filled(match: re.Match[str], slots: Slots) -> str:
    value = slots[match[1]]
    if match[2] is not None:
        return match[2] if value.one else match[3]
    return value.text if isinstance(value, Units) else str(value)
