"""What a question asks for, read by the patterns of `intents.yaml` and the everyday words of `lexicon.yaml`.

For models that cannot call tools. Knows words, and nothing of the picture they are about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
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
CLOSE = 0.8  # how alike a word and one of the lexicon must be, 0–1, for it to count as misspelt
SHORTEST = 4  # letters of a word that may count as misspelt
ASSERTED = 9  # words of a statement that says what a face shows; a longer one tells a story


class Question(Value):
    """One question, understood.

    Args:
        text: as it was written.
        intent: what it asks for, a name of `intents.yaml`; «not_understood» where nothing fits.
        units: the action units it speaks of; any one of them would do where everyday words name several.
        unknown: numbers of action units that are not known here.
        together: whether all of the units are asked for, and not any one («a Duchenne smile»).
        opposite: whether it asks for the units being absent («are the eyes open?»).
        negated: whether it asks for what does not show («who is not smiling?»).
        part: the units of the part of the face that it keeps to («the upper face»); empty for the whole face.
        emotions: those it names.
        labels: words to be compared with a face: several of which one is asked for, or one beside the emotions.
        side: of the face, where it names one.
        about: the faces it points to.
    """

    text: str
    intent: str
    units: tuple[int, ...] = ()
    unknown: tuple[int, ...] = ()
    together: bool = False
    opposite: bool = False
    negated: bool = False
    part: tuple[int, ...] = ()
    emotions: tuple[Emotion, ...] = ()
    labels: tuple[str, ...] = ()
    side: str | None = None
    about: Reference = Reference()


def understand(written: str, *, remembered: bool = False) -> Question:
    """Takes a question apart. `remembered`: action units were spoken of before, so that «it» may mean them."""
    text = _spelled(_digits(normal(written)))
    codes = tuple(dict.fromkeys(_numbered(text)))
    known = tuple(code for code in codes if code in AU_CODES)
    words, opposite = ((), False) if codes else worded(text)
    units = known or words
    emotions = tuple(emotion for emotion in EMOTIONS if re.search(_lexicon()["emotions"][emotion], text))
    choice = _choice(text)
    labels = choice or (() if units or emotions else tuple(re.findall(_lexicon()["labels"], text)[:1]))
    about = refer(text, spoken_of=bool(units))
    part = next((tuple(row["aus"]) for row in _lexicon()["parts"] if re.search(row["words"], text)), ())
    there = _there(len(units), bool(codes), bool(emotions), about, remembered)
    there |= {"choice"} if choice else {"label"} if labels else set()
    there |= {"part"} if part else set()
    intent = next((row["intent"] for row in _intents() if _fits(row, text, there)), "not_understood")
    side = _SIDE.search(text) if units and not about.places else None
    return Question(
        text=written, intent=intent, units=units, unknown=tuple(code for code in codes if code not in AU_CODES),
        together=bool(re.search(_lexicon()["together"], text)), opposite=opposite, negated=_negated(text), part=part,
        emotions=emotions, labels=labels, side=side[0] if side else None, about=about,
    )  # fmt: skip


def asserts(told: str) -> bool:
    """Whether a statement says what a face shows («but he is sad»), which can be checked."""
    text = normal(told)
    if len(text.split()) > ASSERTED or not any(re.search(each, text) for each in _lexicon()["asserted"]):
        return False
    said = understand(told)
    return bool(said.units or said.unknown or said.emotions)


def _negated(text: str) -> bool:
    return any(re.search(pattern, text) for pattern in _lexicon()["negated"])


def _spelled(text: str) -> str:
    """With words that come close to those of the lexicon spelled as those are."""
    return re.sub(rf"\b[a-z]{{{SHORTEST},}}\b", lambda match: _corrected(match[0]), text)


@cache
def _corrected(word: str) -> str:
    spelled = [each for each in _lexicon()["spelled"] if each[0] == word[0]]
    near = get_close_matches(word, spelled, n=1, cutoff=CLOSE)
    return near[0] if near and not _is_known(word) else word


def _is_known(word: str) -> bool:
    rows = _lexicon()
    patterns = (*rows["emotions"].values(), rows["labels"])
    return word in rows["ordinary"] or any(re.search(pattern, word) for pattern in patterns)


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
        "numbered": numbered,
        "two": units > 1,
        "emotion": emotion,
        "face": face,
        "one": face or about.other or about.gendered,
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
