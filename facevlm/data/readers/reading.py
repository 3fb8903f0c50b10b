"""What every reader gives, and what readers share: bad rows, published counts, emotion words, numbered frames."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from facevlm.data.sample import Rejected, Sample, reason
from facevlm.errors import InputError, quoted
from facevlm.faces.decode import SUFFIXES
from facevlm.types import EMOTIONS, Emotion, Value


class Expected(Value):
    """Published counts of a split; None where nobody published one."""

    samples: int | None = None
    labelled: int | None = None  # with one of the eight emotions
    groups: int | None = None


class Published(Value):
    """What is published of a data set, from published.yaml."""

    title: str
    get: str
    splits: dict[str, Expected]
    emotions: dict[int, Emotion] = Field(default_factory=dict)
    others: dict[int, str] = Field(default_factory=dict)  # labels that are none of the eight emotions
    compounds: dict[int, str] = Field(default_factory=dict)
    aus: tuple[int, ...] = ()


@dataclass(frozen=True)
class Reading:
    """A data set being read. `samples` can be iterated once, one row of the files at a time; meanwhile `rejected`
    fills with the rows that could not be read. No picture is opened."""

    samples: Iterator[Sample]
    expected: Expected = field(default_factory=Expected)
    rejected: list[Rejected] = field(default_factory=list)


def reading(rows: Iterable[Sample | Rejected], expected: Expected) -> Reading:
    """A reading of rows that are samples or were rejected."""
    rejected: list[Rejected] = []

    def samples() -> Iterator[Sample]:
        for row in rows:
            if isinstance(row, Rejected):
                rejected.append(row)
            else:
                yield row

    return Reading(samples(), expected, rejected)


def attempt(file: Path, row: int, make: Callable[..., Sample], *given: Any) -> Sample | Rejected:
    """The sample a row makes, or why it makes none: what `make` raises as a ValueError."""
    try:
        return make(*given)
    except ValidationError as error:
        return Rejected(file=str(file), row=row, reason=reason(error))
    except ValueError as error:
        return Rejected(file=str(file), row=row, reason=quoted(str(error)))


@cache
def published(name: str) -> Published:
    """What is published of a data set."""
    return Published(**_table("published")[name])


def expected(name: str, split: str) -> Expected:
    """The published counts of a split.

    Raises:
        InputError: the data set has no such split.
    """
    facts = published(name)
    if split not in facts.splits:
        raise InputError(f"{facts.title} has no split {split!r}; use one of {', '.join(facts.splits)}")
    return facts.splits[split]


def missing(name: str, place: Path) -> InputError:
    """The error for a data set, or a part of one, that is not where it should be."""
    facts = published(name)
    return InputError(f"{place}: not there, and {facts.title} needs it; {facts.get}")


def emotion_of(word: str) -> Emotion:
    """The emotion a word stands for. Raises ValueError for any other word."""
    known = _words()
    if word.strip().lower() not in known:
        raise ValueError(f"label {word!r} is unknown; use one of {', '.join(EMOTIONS)}")
    return known[word.strip().lower()]


def numbered(labels: dict[int, Any], text: str) -> Any:
    """The label a number in a file stands for. Raises ValueError for any other."""
    number = whole(text, "label")
    if number not in labels:
        raise ValueError(f"label {number} is unknown; the data set has {min(labels)} to {max(labels)}")
    return labels[number]


def whole(text: str, what: str) -> int:
    """A whole number, also where it is written 3.0000000e+00. Raises ValueError."""
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{what} {text!r} is not a number") from None
    if not number.is_integer():
        raise ValueError(f"{what} {text!r} is not a whole number")
    return int(number)


def parsed(text: str | bytes, what: str) -> Any:
    """What a JSON text holds. Raises ValueError for what is none."""
    try:
        return json.loads(text)
    except ValueError:
        raise ValueError(f"{what} is not JSON") from None


def existing(picture: Path, root: Path) -> str:
    """A picture's path relative to the data set. Raises ValueError where there is no such file."""
    if not picture.is_file():
        raise ValueError(f"no picture {os.path.relpath(picture, root)}")
    return Path(os.path.relpath(picture, root)).as_posix()


def frames(folder: Path) -> dict[int, Path]:
    """The pictures of a video by frame number: the last digits of their names, however many zeros lead."""
    numbers = ((re.search(r"(\d+)\D*$", path.stem), path) for path in sorted(folder.iterdir()))
    return {int(found[1]): path for found, path in numbers if found and path.suffix.lower() in SUFFIXES}


@cache
def _words() -> dict[str, Emotion]:
    others = {word: emotion for emotion, words in _table("words").items() for word in words}
    return {emotion: emotion for emotion in EMOTIONS} | others


@cache
def _table(name: str) -> Any:
    return yaml.safe_load((Path(__file__).parent / f"{name}.yaml").read_text(encoding="utf-8"))
