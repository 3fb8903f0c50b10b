"""The lines of a batch: who asks what, in the form of OpenAI's Batch API or in the short one.

`{"custom_id", "method": "POST", "url": "/v1/chat/completions", "body": {…}}`, or `{"custom_id", "image", "question"}`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from facevlm.completions import ChatRequest
from facevlm.completions.request import field
from facevlm.errors import InputError, quoted

LONGEST = 256 * 2**20  # bytes of a line


class Place(NamedTuple):
    """Where a line stands in its file: its number from 1, its first byte and its length, line end included."""

    number: int
    start: int
    size: int


class Line(NamedTuple):
    """One line: its id, and what it asks or why it cannot be asked."""

    place: Place
    custom_id: str
    request: ChatRequest | InputError


class _Named(BaseModel):
    custom_id: str = Field(min_length=1, max_length=1024)


class _Asked(_Named):
    method: Literal["POST"] = "POST"
    url: Literal["/v1/chat/completions"]
    body: ChatRequest


class _Short(_Named):
    model_config = ConfigDict(extra="forbid")

    image: str = Field(min_length=1)
    question: str = ""

    @property
    def body(self) -> ChatRequest:
        picture = {"type": "image_url", "image_url": {"url": self.image}}
        words = [{"type": "text", "text": self.question}] if self.question.strip() else []
        return ChatRequest.model_validate({"messages": [{"role": "user", "content": [picture, *words]}]})


def length(path: Path) -> int:
    """Bytes of a file of requests. Raises InputError where it is none: a pipe cannot be gone through a second time."""
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: this is no regular file; save the requests to one, and give that")
    with _opened(path) as file:
        return os.fstat(file.fileno()).st_size


def read(path: Path) -> Iterator[Line]:
    """Every line of a file but the empty ones, one at a time; a line that is none carries its InputError.

    Raises:
        InputError: the file cannot be opened.
    """
    with _opened(path) as file:
        for number, start, data in _split(file):
            if data.strip():
                yield parse(data, Place(number, start, file.tell() - start))


def read_at(path: Path, place: Place) -> Line:
    """The one line that stands at a place."""
    with _opened(path) as file:
        file.seek(place.start)
        return parse(file.read(place.size), place)


def parse(data: bytes, place: Place) -> Line:
    """A line's id and request. Without an id of its own a line goes by its number, as `line-7`."""
    try:
        if len(data) > LONGEST:
            raise InputError(f"the line is longer than {LONGEST:,} bytes; name the picture by its path instead")
        row = _row(data)
    except InputError as error:
        return Line(place, f"line-{place.number}", error)
    try:
        asked = (_Short if "image" in row else _Asked).model_validate(row)
        return Line(place, asked.custom_id, _answerable(asked.body))
    except ValidationError as error:
        return Line(place, _id(row, place), InputError(f"{_reason(error)}; correct the line"))
    except InputError as error:
        return Line(place, _id(row, place), error)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give a JSON-lines file of requests") from None


def _split(file: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """Number, first byte and content of each line; of one that is too long the beginning."""
    number, start = 1, 0
    while data := file.readline(LONGEST + 1):
        rest = data
        while rest and not rest.endswith(b"\n"):
            rest = file.readline(LONGEST)
        yield number, start, data
        number, start = number + 1, file.tell()


def _row(data: bytes) -> dict[str, Any]:
    try:
        row = from_json(data)
    except ValueError as error:
        raise InputError(f"this is no JSON ({quoted(str(error))}); write one JSON object a line") from None
    if not isinstance(row, dict):
        raise InputError("this is no JSON object; write one JSON object a line")
    return row


def _id(row: dict[str, Any], place: Place) -> str:
    try:
        return _Named.model_validate(row).custom_id
    except ValidationError:
        return f"line-{place.number}"


def _reason(error: ValidationError) -> str:
    """The first thing wrong with a line, by its field and value."""
    first = error.errors()[0]
    message = first["msg"].removeprefix("Value error, ")
    return quoted(f"{field(first['loc'])}: {message[0].lower()}{message[1:]}, not {first['input']!r}")


def _answerable(body: ChatRequest) -> ChatRequest:
    if body.stream:
        raise InputError("body.stream: a batch is not streamed; leave it out")
    return body
