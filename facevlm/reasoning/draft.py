"""A model's answer while it is being written: what of its JSON is there so far. The whole answer is `parse`'s."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args

from pydantic_core import from_json

from facevlm import facs
from facevlm.types import AU_CODES, Intensity, Observation, Side

Draft = Mapping[str, Any]

_CONTROL = re.compile(r"[\x00-\x1f]")  # models write line breaks into strings, which JSON does not allow
_THOUGHT = re.compile(r"\A\s*<think>.*?(</think>|\Z)", re.DOTALL)


def draft(text: str) -> Draft:
    """The fields of the answer's object as far as they are written, the last one perhaps in part; in written order."""
    return _partial(text, "trailing-strings")


def finished(text: str) -> Draft:
    """The same without a text that may go on."""
    return _partial(text, True)


def claims(told: Draft) -> list[Observation]:
    """The observations that are complete, each action unit once, as `parse` takes them; `told` is of `finished`."""
    written = told.get("observations")
    first: dict[int, Observation] = {}
    for each in written if isinstance(written, list) else ():
        if isinstance(each, dict) and _complete(each):
            first.setdefault(each["au"], Observation(name=facs.unit(each["au"]).name, **each))
    return list(first.values())


def _complete(claim: Mapping[str, Any]) -> bool:
    """Whether every field is there, and a valid one. A number that stands last may go on."""
    return (
        set(claim) == {"au", "intensity", "side", "evidence"}
        and list(claim)[-1] != "au"
        and type(claim["au"]) is int
        and claim["au"] in AU_CODES
        and claim["intensity"] in get_args(Intensity)
        and claim["side"] in get_args(Side)
        and isinstance(claim["evidence"], str)
    )


def _partial(text: str, strings: Any) -> Draft:
    text = _THOUGHT.sub("", text)
    begin = text.find("{")
    if begin < 0:
        return {}
    try:
        told = from_json(_CONTROL.sub(" ", text[begin:]), allow_partial=strings)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
