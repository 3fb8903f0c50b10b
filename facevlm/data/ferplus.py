"""FER+ (Barsoum et al., ICMI 2016): FER2013 faces, 48 px and grey, each labelled by ten people.

Reads the archives `train-*.npz` and `valid.npz` with arrays image (n, 48, 48) uint8, name (n,), votes (n, 10) uint8.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from facevlm.errors import InputError
from facevlm.types import EMOTIONS, Emotion

Split = Literal["train", "valid"]


@dataclass(frozen=True)
class FerPlus:
    """Faces and votes. `votes` columns are the eight emotions in the order of EMOTIONS, then unknown and not-a-face."""

    images: NDArray[np.uint8]  # (n, 48, 48)
    names: NDArray[np.str_]  # (n,)
    votes: NDArray[np.uint8]  # (n, 10)

    def __len__(self) -> int:
        return len(self.names)

    def where(self, mask: NDArray[np.bool_]) -> FerPlus:
        return FerPlus(self.images[mask], self.names[mask], self.votes[mask])

    def distribution(self) -> NDArray[np.float32]:
        """The votes for the eight emotions as a distribution, (n, 8) float32; rows without such votes are zero."""
        counts = self.votes[:, :8].astype(np.float32)
        share: NDArray[np.float32] = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        return share

    def strict_majority(self) -> NDArray[np.int64]:
        """Index of the emotion with more than half of all ten votes, (n,); -1 where there is none."""
        top = self.votes.argmax(1)
        strict = (self.votes.max(1) > 5) & (top < 8)
        return np.where(strict, top, -1)

    def labels(self) -> list[Emotion | None]:
        return [EMOTIONS[index] if index >= 0 else None for index in self.strict_majority()]


def read(folder: Path, split: Split) -> FerPlus:
    """One split of the archives in `folder`.

    Raises:
        InputError: an archive is missing or lacks an array.
    """
    files = sorted(folder.glob("train-*.npz")) if split == "train" else [folder / "valid.npz"]
    if not files or not all(file.is_file() for file in files):
        raise InputError(
            f"{folder}: no FER+ {split} archive here (train-*.npz, valid.npz); give its folder with --data"
        )
    parts = [_archive(file) for file in files]
    return FerPlus(*(np.concatenate([part[key] for part in parts]) for key in ("image", "name", "votes")))


def held_out(names: NDArray[np.str_]) -> NDArray[np.bool_]:
    """The tenth of a training split that models are chosen on, by name hash: (n,) bool."""
    chosen: NDArray[np.bool_] = tenths(names) == 0
    return chosen


def tenths(names: NDArray[np.str_]) -> NDArray[np.int64]:
    """The tenth that each falls into by the hash of its name: (n,), 0 to 9."""
    digits = (int(hashlib.sha256(str(name).encode()).hexdigest(), 16) % 10 for name in names)
    return np.fromiter(digits, np.int64, len(names))


def _archive(file: Path) -> dict[str, NDArray[np.generic]]:
    with np.load(file) as arrays:
        missing = {"image", "name", "votes"} - set(arrays)
        if missing:
            raise InputError(f"{file}: not a FER+ archive, it lacks {', '.join(sorted(missing))}")
        return {key: arrays[key] for key in ("image", "name", "votes")}
