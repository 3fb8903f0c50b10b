"""The neutral sample: what a data set says of one face, whatever the data set. One JSON object a line.

A picture with several faces has several samples, told apart by their boxes. What a data set does not say is left out:
an action unit that is not among `aus` was not coded, which is not the same as absent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, ValidationError, field_validator

from facevlm import files
from facevlm.errors import InputError, quoted
from facevlm.types import AU_CODES, Box, Emotion, Intensity, Side, Value

Row = TypeVar("Row")


class UnitLabel(Value):
    """What a data set says of one action unit on one face."""

    present: bool
    intensity: Intensity | None = None  # None: absent, or not graded
    side: Side | None = None  # None: absent, or not told apart


class Sample(Value):
    """One labelled face. `image` is a path relative to the sample's file, or absolute; `archive.npz#name` for one in
    an archive. `box` is None where the face is the picture."""

    id: str
    source: str  # the data set's name
    image: str
    box: Box | None = None
    split: str | None = None
    emotion: Emotion | None = None
    distribution: dict[Emotion, float] | None = None  # votes, summing to 1
    compound: str | None = None  # a name of `facs.compounds()`
    aus: dict[int, UnitLabel] | None = None
    group: str | None = None  # who is in it, so that no one is on both sides of a split
    question: str | None = None
    text: str | None = None  # what the data set says in words: a description, or the answer to `question`
    details: dict[str, Any] = Field(default_factory=dict)  # what only this data set tells

    @field_validator("aus")
    @classmethod
    def _known(cls, aus: dict[int, UnitLabel] | None) -> dict[int, UnitLabel] | None:
        unknown = sorted(set(aus or ()) - set(AU_CODES))
        if unknown:
            raise ValueError(f"AU {unknown[0]} is not known here; use one of {', '.join(map(str, AU_CODES))}")
        return aus


class Rejected(Value):
    """A row that could not be read. Rows count from 1, as lines do; 0 is a file as a whole."""

    file: str
    row: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}, row {self.row}: {self.reason}" if self.row else f"{self.file}: {self.reason}"


def read_samples(path: Path) -> tuple[list[Sample], list[Rejected]]:
    """The samples of a JSON-lines file and, with its number and the reason, each row that is none.

    Raises:
        InputError: the file cannot be opened.
    """
    return read_lines(path, Sample.model_validate_json)


def read_lines(path: Path, one: Callable[[bytes], Row]) -> tuple[list[Row], list[Rejected]]:
    """What `one` makes of each line of a file and, with its number and the reason, each line that it cannot use.

    Empty lines are passed over. A last line that was cut short is a row like any other that cannot be read.

    Args:
        path: a JSON-lines file.
        one: what reads a line; it raises ValidationError or InputError for one that cannot be used.

    Raises:
        InputError: the file cannot be opened.
    """
    rows: list[Row] = []
    rejected: list[Rejected] = []
    for number, line in enumerate(_content(path).split(b"\n"), start=1):
        try:
            if line.strip():
                rows.append(one(line))
        except (ValidationError, InputError) as error:
            why = reason(error) if isinstance(error, ValidationError) else str(error)
            rejected.append(Rejected(file=str(path), row=number, reason=why))
    return rows, rejected


def write_samples(path: Path, samples: Iterable[Sample]) -> int:
    """Write samples as JSON lines, whole or not at all, and return how many.

    Raises:
        InputError: the file cannot be written.
    """
    count = 0
    try:
        with files.replaced(path) as partial, partial.open("w", encoding="utf-8") as file:
            for count, sample in enumerate(samples, start=1):  # noqa: B007
                file.write(line(sample))
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); give another file or free space") from None
    return count


def line(sample: Sample) -> str:
    """A sample as one line of JSON with its line end; what is not said is left out."""
    return sample.model_dump_json(exclude_defaults=True) + "\n"


def reason(error: ValidationError) -> str:
    """What is wrong with a value, in one line: the first fault, where it is and the value."""
    first = error.errors()[0]
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "json_invalid":
        return "not JSON"
    if first["type"] == "value_error":
        return quoted(message)
    where = ".".join(str(part) for part in first["loc"])
    return quoted(f"{where}: {message[0].lower()}{message[1:]}, not {first['input']!r}")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give a JSON-lines file") from None
