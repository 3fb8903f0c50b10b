"""An index that was built: the faces nearest to a face or to a text, among a million in milliseconds."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from facevlm.errors import InputError
from facevlm.matching.index import cells, searching
from facevlm.matching.index.layout import ENTRIES, VECTORS, Entry, described
from facevlm.matching.matcher import Matcher, Vectors
from facevlm.types import AU_CODES, Value

_SIDES = 2 * len(AU_CODES)


class Neighbour(Value):
    """A face of the index, and its cosine with what was looked for, or how well it fits a text."""

    entry: Entry
    likeness: float


class Index:
    """An index that was built. Any thread may use it.

    Raises:
        InputError: the folder is no index, or a damaged one.
        PrerequisiteError: faiss is not installed.
    """

    def __init__(self, folder: Path) -> None:
        cells.check_installed()
        self.folder = folder
        self.description = described(folder)
        self._lines = _Lines(folder / ENTRIES)
        self._vectors = cells.read(folder / VECTORS)
        if not self._vectors.ntotal == len(self._lines) == self.description.faces:
            raise InputError(f"{folder}: its files do not belong together; remove it and build it again")

    def matcher(self, threads: int | None = None) -> Matcher:
        """The model it was built by. Raises InputError where that has other weights by now."""
        loaded = Matcher(self.description.matcher, self.description.checkpoint, threads)
        self.check(loaded)
        return loaded

    def check(self, matcher: Matcher) -> None:
        """Raises InputError where another model than this built it."""
        built = self.description
        if matcher.fingerprint != built.fingerprint:
            raise InputError(
                f"{self.folder}: was built by {built.matcher} of the weights {built.fingerprint}, and {matcher.name} "
                f"has {matcher.fingerprint}; build it again"
            )

    def nearest(
        self,
        vector: Vectors,
        count: int,
        *,
        wanted: Callable[[Entry], bool] = lambda entry: True,
    ) -> tuple[Neighbour, ...]:
        """The faces most like a vector, the likest first.

        Args:
            vector: (dim,) float32 of length 1.
            count: how many, at most.
            wanted: those that may be among them.
        """
        asked, exact = count, False
        while True:
            found = [each for each in self._searched(vector, asked, exact) if wanted(each.entry)]
            if len(found) >= count or asked >= len(self._lines):
                return tuple(found[:count])
            asked, exact = asked * 4, True

    def fitting(self, matcher: Matcher, text: str, count: int) -> tuple[Neighbour, ...]:
        """The faces that fit a text best: where it claims an action unit, those that measure it most.

        Raises:
            InputError: a word the matcher does not know.
        """
        likeness, rows = cells.search(self._vectors, matcher.texts([text]), len(self._lines), None)
        order = np.argsort(rows[0])
        found = searching.scores(text, likeness[0][order], self._units)
        best = np.argsort(-found, kind="stable")[:count]
        return tuple(Neighbour(entry=self._entry(row), likeness=round(float(found[row]), 4)) for row in best.tolist())

    @cached_property
    def _units(self) -> NDArray[np.float32]:
        """(faces, 24, 2) what was measured of the action units; NaN where nothing was."""
        kept = [self._entry(row).units or (None,) * _SIDES for row in range(len(self._lines))]
        return np.array(kept, np.float32).reshape(-1, len(AU_CODES), 2)

    def _searched(self, vector: Vectors, count: int, exact: bool) -> list[Neighbour]:
        probes = None if exact else self.description.probes
        likeness, rows = cells.search(self._vectors, vector[None], min(count, len(self._lines)), probes)
        pairs = zip(likeness[0].tolist(), rows[0].tolist(), strict=True)
        return [Neighbour(entry=self._entry(row), likeness=round(cosine, 4)) for cosine, row in pairs if row >= 0]

    def _entry(self, row: int) -> Entry:
        try:
            return Entry.model_validate_json(self._lines[row])
        except ValidationError:
            raise InputError(f"{self.folder / ENTRIES}, row {row + 1}: no face of an index; build it again") from None


class _Lines:
    """The lines of a file, each read when it is asked for."""

    def __init__(self, file: Path) -> None:
        try:
            self._bytes: NDArray[np.uint8] = np.memmap(file, np.uint8, "r")
        except (OSError, ValueError) as error:
            raise InputError(f"{file}: cannot be read ({error}); build the index again") from None
        self._ends = np.flatnonzero(self._bytes == ord("\n"))

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, row: int) -> bytes:
        start = self._ends[row - 1] + 1 if row else 0
        return self._bytes[start : self._ends[row]].tobytes()
