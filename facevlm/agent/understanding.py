"""What a question asks for, read by the patterns of `intents.yaml` and the everyday words of `lexicon.yaml`.

For models that cannot call tools. Knows words, and nothing of the picture they are about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from facevlm import facs
from facevlm.agent.language import normal
from facevlm.agent.referring import Reference, refer
from facevlm.types import AU_CODES, EMOTIONS, Emotion, Value

_NUMBERED = re.compile(
    r"\b(?:aus?|action units?)\s*((?:[lr]?\d{1,3}[a-e]?(?:\s*(?:,|\+|and|or|to|vs|versus)\s*(?:au\s*)?)?)+)"
)
_SIDE = re.compile(r"\b(?:left|right)\b")


class Question(Value):
    """One question, understood.

    Args:
        text: as it was written.
        intent: what it asks for, a name of `intents.yaml`; «beyond» where nothing fits.
        units: the action units it speaks of; any one of them would do where everyday words name several.
        unknown: numbers of action units that are not known here.
        opposite: whether it asks for the units being absent («are the eyes open?»).
        emotions: those it names.
        labels: words to be compared with a face: several of which one is asked for, or one beside the emotions.
        side: of the face, where it names one.
        about: the faces it points to.
    """

    text: str
    intent: str
    units: tuple[int, ...] = ()
    unknown: tuple[int, ...] = ()
    opposite: bool = False
    emotions: tuple[Emotion, ...] = ()
    labels: tuple[str, ...] = ()
    side: str | None = None
    about: Reference = Reference()


def understand(written: str, *, remembered: bool = False) -> Question:
    """Takes a question apart. `remembered`: action units were spoken of before, so that «it» may mean them."""
    text = _digits(normal(written))
    codes = tuple(dict.fromkeys(_numbered(text)))
    known = tuple(code for code in codes if code in AU_CODES)
    words, opposite = ((), False) if codes else worded(text)
    units = known or words
    emotions = tuple(emotion for emotion in EMOTIONS if re.search(_lexicon()["emotions"][emotion], text))
    choice = _choice(text)
    labels = choice or (() if units or emotions else tuple(re.findall(_lexicon()["labels"], text)[:1]))
    about = refer(text, spoken_of=bool(units))
    there = _there(len(units), bool(codes), bool(emotions), about, remembered)
    there |= {"choice"} if choice else {"label"} if labels else set()
    intent = next((row["intent"] for row in _intents() if _fits(row, text, there)), "beyond")
    side = _SIDE.search(text) if units and not about.places else None
    return Question(
        text=written, intent=intent, units=units, unknown=tuple(code for code in codes if code not in AU_CODES),
        opposite=opposite, emotions=emotions, labels=labels, side=side[0] if side else None, about=about,
    )  # fmt: skip


def _choice(text: str) -> tuple[str, ...]:
    """The words among which a question asks to choose: «which fits better, joy or surprise»."""
    found = next((match for pattern in _lexicon()["choice"] if (match := re.search(pattern, text))), None)
    return tuple(each for each in re.split(r",? or |, ", found["labels"]) if each) if found else ()


def worded(text: str) -> tuple[tuple[int, ...], bool]:
    """The action units that everyday words and names stand for, and whether the words say they are absent."""
    named = tuple(unit.code for unit in facs.units() if _named(unit.name, text))
    if named:
        return named, False
    rows = [row for group in _lexicon()["units"].values() for row in _first(group, text)]
    codes = tuple(dict.fromkeys(code for row in rows for code in row["aus"]))
    return codes, bool(rows) and all(row.get("absent", False) for row in rows)


def _there(units: int, numbered: bool, emotion: bool, about: Reference, remembered: bool) -> set[str]:
    face = bool(about.numbers or about.places)
    facts = {
        "units": units > 0 or numbered,
        "two": units > 1,
        "emotion": emotion,
        "face": face,
        "one": face or about.other,
        "remembered": units > 0 or numbered or remembered,
    }
    return {name for name, holds in facts.items() if holds}


def _fits(row: dict[str, Any], text: str, there: set[str]) -> bool:
    if not set(row.get("needs", ())) <= there or set(row.get("lacks", ())) & there:
        return False
    asks = row.get("asks")
    return asks is None or any(re.search(pattern, text) for pattern in asks)


def _named(name: str, text: str) -> bool:
    """Whether a unit's name stands in a text: «lip corner puller», also as «lip corner pull»."""
    stem = re.sub(r"(?:en)?e?rs?$", "", name)
    return bool(re.search(rf"\b{re.escape(stem)}(?:er|or|ed|ing|s)?\b", text)) if " " in name else False


def _first(group: list[dict[str, Any]], text: str) -> Iterator[dict[str, Any]]:
    found = (row for row in group if all(re.search(word, text) for word in row["words"]))
    yield from list(found)[:1]


def _numbered(text: str) -> Iterator[int]:
    for match in _NUMBERED.finditer(text):
        yield from (int(number) for number in re.findall(r"\d+", match[1]))


def _digits(text: str) -> str:
    """Number words behind «action unit», «face» and the like as digits."""
    numbers = _lexicon()["numbers"]
    pattern = rf"\b(aus?|action units?|faces?|person|persons|people|number|no\.?) ({'|'.join(numbers)})\b"
    return re.sub(pattern, lambda match: f"{match[1]} {numbers[match[2]]}", text)


@cache
def _lexicon() -> Any:
    return yaml.safe_load((Path(__file__).parent / "lexicon.yaml").read_text(encoding="utf-8"))


@cache
def _intents() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "intents.yaml").read_text(encoding="utf-8"))
    return rows
