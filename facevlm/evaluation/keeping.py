"""`rows.jsonl`: one whole line for each answer, added as answers come, and never a second one.

A run that is killed at any moment leaves at most its last line cut short, which the next run takes back.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import ValidationError

from facevlm import files
from facevlm.data.sample import reason
from facevlm.errors import InputError
from facevlm.evaluation.rows import Row
from facevlm.evaluation.run import ROWS


class Rows:
    """The rows of a run, open for adding and locked against a second run.

    Args:
        folder: the run's.

    Raises:
        InputError: the file cannot be read or written, is in use, or holds something else.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / ROWS
        try:
            self._file = files.locked(self.path)
            files.mend(self.path)
        except OSError as error:
            raise self._failure(error) from None
        self.keys = {row.key for row in read(folder)}

    def add(self, rows: Iterable[Row]) -> None:
        """Append lines, whole. Raises InputError where the disk does not take them."""
        kept = list(rows)
        data = b"".join(row.model_dump_json().encode() + b"\n" for row in kept)
        try:
            files.append(self._file, data)
        except OSError as error:
            raise self._failure(error) from None
        self.keys.update(row.key for row in kept)

    def close(self) -> None:
        """Put everything on the disk and let go of the lock."""
        os.fsync(self._file.fileno())
        self._file.close()

    def _failure(self, error: OSError) -> InputError:
        return InputError(f"{self.path}: cannot be written ({error.strerror}); free space or give another --out")


def read(folder: Path) -> list[Row]:
    """The rows of a run, in the order they were written. Raises InputError where there are none, or something else."""
    return list(lines(folder))


def lines(folder: Path) -> Iterator[Row]:
    """`read`, a row at a time; a last line that was cut short is passed over."""
    file = folder / ROWS
    try:
        with file.open("rb") as content:
            for number, line in enumerate(content, start=1):
                if line.endswith(b"\n"):
                    yield _row(line, number, file)
    except OSError as error:
        why = f"cannot be read ({error.strerror}); give a folder that `facevlm eval run` made"
        raise InputError(f"{file}: {why}") from None


def _row(line: bytes, number: int, file: Path) -> Row:
    try:
        return Row.model_validate_json(line)
    except ValidationError as error:
        raise InputError(f"{file}: line {number} is no row of a run ({reason(error)}); take the line out") from None
