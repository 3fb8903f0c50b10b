"""Rows of reinforcement: a prompt about one face, and what is known of that face. One JSON object a line.

`{"prompt": text or messages, "images": ["face.png"], "fields": ["observations", …], "emotion": "fear" or null,
"votes": {"fear": 0.6, …} or null, "units": {"12": {"value": 0.7, "left": 0.7, "right": 0.6}},
"truth": {"12": {"intensity": "D", "side": "both"}} or null}`: `units` are measured, `truth` is what somebody coded; a
unit that is not in it is not there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from facevlm.data import cot
from facevlm.data.cot.coding import Coding
from facevlm.data.sample import Rejected, UnitLabel, read_lines
from facevlm.errors import InputError
from facevlm.prompting.load import AnswerField
from facevlm.types import AU_CODES, ActionUnit, Emotion, Face, Intensity, Side, Value


class Measured(Value):
    """One action unit as measured, 0–1; None where the face does not let it be."""

    value: float | None = None
    left: float | None = None
    right: float | None = None


class Seen(Value):
    """One action unit as somebody coded it."""

    intensity: Intensity
    side: Side = "both"


class Message(Value):
    """One turn of a prompt; of a content in parts the text is taken."""

    role: Literal["system", "user", "assistant"]
    content: str | tuple[dict[str, Any], ...]

    @property
    def text(self) -> str:
        """Its words."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part["text"] for part in self.content if part.get("type") == "text")


class Target(Value):
    """What an answer about one face is held against."""

    fields: tuple[AnswerField, ...] = Field(min_length=1)
    emotion: Emotion | None = None
    votes: dict[Emotion, float] | None = None
    units: dict[int, Measured] = Field(default_factory=dict)
    truth: dict[int, Seen] | None = None

    @field_validator("units", "truth")
    @classmethod
    def _known(cls, units: dict[int, Any] | None) -> dict[int, Any] | None:
        unknown = sorted(set(units or ()) - set(AU_CODES))
        if unknown:
            raise ValueError(f"AU {unknown[0]} is not known here; use some of {', '.join(map(str, AU_CODES))}")
        return units

    @field_validator("votes")
    @classmethod
    def _shares(cls, votes: dict[Emotion, float] | None) -> dict[Emotion, float] | None:
        if votes is not None and (min(votes.values(), default=0) < 0 or abs(sum(votes.values()) - 1) > 0.01):
            raise ValueError("votes are shares from 0 and sum to 1; leave them out where nobody voted")
        return votes

    @cached_property
    def face(self) -> Face:
        """A face of which nothing but its measured action units is known, as `reasoning.check` reads it."""
        units = {code: ActionUnit(code=code, **unit.model_dump()) for code, unit in self.units.items()}
        return Face.model_construct(action_units=units)

    @cached_property
    def coding(self) -> Coding | None:
        """The units an answer should tell of: those coded, else what the measurement speaks for; None where neither
        says anything.
        """
        if self.truth is not None:
            return cot.labelled(
                {code: UnitLabel(present=True, **seen.model_dump()) for code, seen in self.truth.items()}
            )
        return cot.measured(self.face.action_units) if self.measurable else None

    @property
    def measurable(self) -> bool:
        """Whether anything was measured at all."""
        return any(unit.value is not None for unit in self.units.values())


class Row(Target):
    """A target with the prompt it is about. `images` are relative to `folder`, that of the rows' file."""

    prompt: str | tuple[Message, ...]
    images: tuple[str, ...] = Field(min_length=1)
    folder: Path = Path()

    @property
    def target(self) -> str:
        """The target alone, as JSON: a table of rows has no place for what differs from row to row."""
        return self.model_dump_json(include=set(Target.model_fields))

    def exchange(self) -> dict[str, Any]:
        """The prompt as TRL takes it: messages of parts, the pictures before the user's words, and their paths."""
        turns = (Message(role="user", content=self.prompt),) if isinstance(self.prompt, str) else self.prompt
        asking = next(turn for turn in turns if turn.role == "user")
        pictures = [{"type": "image", "text": None} for _ in self.images]
        prompt = [
            {"role": turn.role, "content": [*(pictures if turn is asking else []), {"type": "text", "text": turn.text}]}
            for turn in turns
        ]
        return {"prompt": prompt, "images": [str(self.folder / image) for image in self.images]}


def read_rows(file: Path) -> tuple[list[Row], list[Rejected]]:
    """The rows of a file and, with its number and the reason, each line that is none.

    Raises:
        InputError: the file cannot be read, or holds no row that can be used.
    """
    rows, rejected = read_lines(file, lambda line: _usable(line, file.parent))
    if not rows:
        first = f" (row {rejected[0].row}: {rejected[0].reason})" if rejected else ""
        raise InputError(f"{file}: holds no row of reinforcement{first}; see docs/training.md for what one is")
    return rows, rejected


def divided(rows: Sequence[Row], share: float) -> tuple[list[Row], list[Row]]:
    """Rows to train on and rows held out: a share of the pictures, by the hash of their names."""
    held_out = [row for row in rows if _place(row) < share]
    return [row for row in rows if _place(row) >= share], held_out


def _usable(line: bytes, folder: Path) -> Row:
    row = Row.model_validate_json(line).model_copy(update={"folder": folder})
    for image in row.images:
        if not (row.folder / image).is_file():
            raise InputError(f"{row.folder / image}: there is no such picture; give rows whose pictures are there")
    if not isinstance(row.prompt, str) and not any(turn.role == "user" for turn in row.prompt):
        raise InputError("the prompt has no turn of the user")
    _ = row.coding  # that coded units contradict each other is said here, not in the middle of training
    return row


def _place(row: Row) -> float:
    return int(hashlib.sha256(row.images[0].encode()).hexdigest()[:8], 16) / 16**8
