"""What building an index has seen so far, on disk: a run that is cut short loses its last batch at most.

A line of looked.jsonl is a picture that is done with, and vectors.f32 has the vectors of its faces.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from facevlm.matching.index.layout import Entry
from facevlm.matching.matcher import Vectors
from facevlm.types import Value

JOURNAL = LOOKED, VECTORS = "looked.jsonl", "vectors.f32"
_SIZE = 4  # bytes of a number


class Looked(Value):
    """A picture that was looked at: its faces, and why some could not be used."""

    picture: str
    faces: tuple[Entry, ...] = ()
    left_out: tuple[str, ...] = ()


class Journal:
    """The pictures looked at, in files of the folder `work`."""

    def __init__(self, work: Path, dim: int) -> None:
        self._lines, self._vectors, self._dim = work / LOOKED, work / VECTORS, dim
        self.faces = self.labelled = self.left_out = 0
        self.done: set[str] = set()
        self._take_up()

    def add(self, looked: Sequence[Looked], vectors: Vectors) -> None:
        """Keep what was seen of some pictures; `vectors` is (faces, dim), in the order of their faces."""
        with self._vectors.open("ab") as file:  # before the lines: no line is ever without its vectors
            file.write(vectors.tobytes())
        with self._lines.open("ab") as file:
            file.write(b"".join(each.model_dump_json().encode() + b"\n" for each in looked))
        for each in looked:
            self._count(each)

    def entries(self) -> Iterator[Entry]:
        """Every face, in the order of the vectors."""
        with self._lines.open("rb") as lines:
            for line in lines:
                yield from Looked.model_validate_json(line).faces

    def vectors(self) -> NDArray[np.float32]:
        """(faces, dim), read from the disk as they are used."""
        return np.memmap(self._vectors, np.float32, "r", shape=(self.faces, self._dim))

    def _take_up(self) -> None:
        """Count what is there, and take back what an interrupted run was writing: lines or vectors by themselves."""
        self._lines.touch()
        self._vectors.touch()
        written = self._vectors.stat().st_size // (_SIZE * self._dim)
        length = 0
        with self._lines.open("rb") as lines:
            for line in lines:
                looked = _whole(line)
                if looked is None or self.faces + len(looked.faces) > written:
                    break
                self._count(looked)
                length += len(line)
        _cut(self._lines, length)
        _cut(self._vectors, self.faces * _SIZE * self._dim)

    def _count(self, looked: Looked) -> None:
        self.done.add(looked.picture)
        self.faces += len(looked.faces)
        self.labelled += sum(face.label is not None for face in looked.faces)
        self.left_out += len(looked.left_out)


def _whole(line: bytes) -> Looked | None:
    try:
        return Looked.model_validate_json(line) if line.endswith(b"\n") else None
    except ValidationError:
        return None


def _cut(file: Path, length: int) -> None:
    with file.open("ab") as content:
        content.truncate(length)
