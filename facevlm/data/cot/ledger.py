"""A file of rows that is added to: what is in it is not made again, and a line cut short is taken back."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from facevlm import files
from facevlm.data.sample import Sample, line, read_samples
from facevlm.errors import InputError


class Ledger:
    """Rows in a JSON-lines file, each written whole and at once.

    Args:
        path: the file; it is made if it is not there.

    Raises:
        InputError: it cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab+", buffering=0)
            files.mend(path)
        except OSError as error:
            raise self._failure(error) from None
        samples, self.rejected = read_samples(path)
        self.ids = {sample.id for sample in samples}

    def add(self, rows: Iterable[Sample]) -> int:
        """Append those rows that are not there yet, and return how many they were."""
        fresh = [row for row in rows if row.id not in self.ids]
        try:
            for row in fresh:
                files.append(self._file, line(row).encode())
                self.ids.add(row.id)
        except OSError as error:
            raise self._failure(error) from None
        return len(fresh)

    def _failure(self, error: OSError) -> InputError:
        return InputError(
            f"{self.path}: cannot be written ({error.strerror}); free space or give another file, then run again"
        )
