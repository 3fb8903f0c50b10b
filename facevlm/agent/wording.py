"""Sentences of `replies.yaml`, filled in."""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from facevlm.data.cot import wording

Units = wording.Units
joined = wording.joined


def reply(key: str, rng: random.Random, **slots: Any) -> str:
    """A sentence by its key («counted.none» is one of a group), with a capital at its start."""
    templates = _replies()
    for part in key.split("."):
        templates = templates[part]
    chosen = rng.choice(templates)
    figures = {name: value for name, value in slots.items() if isinstance(value, float)}
    for name, value in figures.items():
        chosen = _figure(chosen, name, value)
    text = wording.sentence([chosen], slots, rng)
    return text[:1].upper() + text[1:]


def _figure(template: str, name: str, value: float) -> str:
    """A figure with its format, `{value:.2f}`, which the sentences of data/cot do not know."""
    return re.sub(rf"\{{{name}:([^}}]+)\}}", lambda match: format(value, match[1]), template)


@cache
def _replies() -> Any:
    return yaml.safe_load((Path(__file__).parent / "replies.yaml").read_text(encoding="utf-8"))


def reply_plain(key: str, **slots: Any) -> str:
    """The first sentence of a key, where chance has no part."""
    return reply(key, random.Random(0), **slots)


def suggestions(kind: str) -> list[str]:
    """Questions that may follow: «start», «one» face, «several»."""
    return list(_replies()["suggestions"][kind])


def canonical(intent: str, rng: random.Random, **slots: Any) -> str | None:
    """A whole question for one that leaves out what was spoken of before; None where there is none."""
    asked = _replies()["asked"].get(intent)
    return wording.sentence(asked, slots, rng) if asked else None
