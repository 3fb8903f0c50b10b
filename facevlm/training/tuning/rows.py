"""The rows that are trained on: TRL's conversational prompt and completion beside the pictures, one JSON object a line.

`{"prompt": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "…"}]}], "completion": [{"role":
"assistant", "content": …}], "images": ["images/face.png"]}`, as `facevlm data convert --to trl` writes them. A content
may be a plain string; the pictures then stand before the first one of the user. Pictures are named relative to the
file. Other keys are passed over.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from PIL import Image, UnidentifiedImageError
from pydantic import BaseModel, ConfigDict, Field, model_validator

from facevlm.data.sample import Rejected, read_lines
from facevlm.errors import InputError

_CONVERT = "`facevlm data convert SAMPLES OUT --to trl`"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)

    type: Literal["image", "text"]
    text: str | None = None


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)

    role: Literal["system", "user", "assistant"]
    content: str | tuple[_Part, ...]

    def parts(self) -> tuple[_Part, ...]:
        return (_Part(type="text", text=self.content),) if isinstance(self.content, str) else self.content


class Row(BaseModel):
    """One exchange about one or more pictures."""

    model_config = ConfigDict(frozen=True)

    prompt: tuple[_Message, ...] = Field(min_length=1)
    completion: tuple[_Message, ...] = Field(min_length=1, max_length=1)
    images: tuple[str, ...] = Field(min_length=1)
    folder: Path = Path()

    @model_validator(mode="after")
    def _whole(self) -> Row:
        if self.prompt[-1].role != "user" or self.completion[0].role != "assistant":
            raise ValueError("a prompt ends with the user's turn and a completion is the assistant's")
        if not self.answer.strip():
            raise ValueError("the completion is empty; there is nothing to learn from it")
        places = sum(part.type == "image" for message in self.prompt for part in message.parts())
        if places not in (len(self.images), 0):
            raise ValueError(f"the prompt has places for {places} pictures and names {len(self.images)}")
        return self

    @property
    def answer(self) -> str:
        """The text of the completion."""
        return "".join(part.text or "" for part in self.completion[0].parts())

    @property
    def pictures(self) -> tuple[Path, ...]:
        """Where the pictures are."""
        return tuple(self.folder / image for image in self.images)

    def exchange(self) -> dict[str, Any]:
        """The row as TRL takes it: messages of parts, pictures by their paths."""
        prompt = [_turn(message) for message in self.prompt]
        if not any(part["type"] == "image" for turn in prompt for part in turn["content"]):
            asking = next(turn for turn in prompt if turn["role"] == "user")
            asking["content"] = [*({"type": "image", "text": None} for _ in self.images), *asking["content"]]
        return {
            "prompt": prompt,
            "completion": [_turn(message) for message in self.completion],
            "images": [str(picture) for picture in self.pictures],
        }


def read(file: Path) -> tuple[list[Row], list[Rejected]]:
    """The rows of a file and, with its number and the reason, each line that is none or whose picture is not there.

    Raises:
        InputError: the file cannot be read, or holds no row that can be used.
    """
    rows, rejected = read_lines(file, lambda line: _row(line, file.parent))
    if not rows:
        why = f"; row {rejected[0].row}: {rejected[0].reason}" if rejected else ""
        remedy = "" if _CONVERT in why else f"; {_CONVERT} writes such rows"
        raise InputError(f"{file}: holds no row to train on{why}{remedy}")
    return rows, rejected


def divided(rows: Sequence[Row], share: float) -> tuple[list[Row], list[Row]]:
    """Rows to train on and rows held out: a share of the pictures, by the hash of their names, so that no picture is in
    both; none where nothing would be left to train on.
    """
    trained = [row for row in rows if _place(row) >= share]
    return (trained, [row for row in rows if _place(row) < share]) if trained else (list(rows), [])


def sampled(rows: Sequence[Row], most: int) -> list[Row]:
    """At most so many rows, those first by the hash of all they say."""
    return sorted(rows, key=lambda row: _hash(row.model_dump_json(exclude={"folder"})))[:most]


def digest(file: Path) -> str:
    """What tells this file's content from another's."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def _row(line: bytes, folder: Path) -> Row:
    try:
        content = json.loads(line)
        if isinstance(content, dict) and "image" in content and "prompt" not in content:
            raise InputError(f"a sample, not a row; {_CONVERT} makes rows of samples")
    except (ValueError, RecursionError):
        raise InputError("not a whole JSON object") from None
    row = Row.model_validate(content | {"folder": folder} if isinstance(content, dict) else content)
    for picture in row.pictures:
        fault = _fault(picture)
        if fault:
            raise InputError(fault)
    return row


@lru_cache(maxsize=1 << 20)  # many questions are asked about one picture
def _fault(picture: Path) -> str | None:
    try:
        with Image.open(picture):
            return None
    except FileNotFoundError:
        return f"{picture}: there is no such picture; convert the data again"
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        return f"{picture}: not a picture that can be read ({error})"


def _turn(message: _Message) -> dict[str, Any]:
    return {"role": message.role, "content": [{"type": part.type, "text": part.text} for part in message.parts()]}


def _place(row: Row) -> float:
    return int(_hash(row.images[0])[:8], 16) / 16**8


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
