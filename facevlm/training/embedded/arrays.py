"""FER+ as the arrays training reads: every face taken through the finder, cues and crop that users' photos take.

Made once and kept in a folder; faces the finder does not find are left out.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facevlm.data import ferplus
from facevlm.data.ferplus import Split
from facevlm.faces import decode, find
from facevlm.faces.cues import cue_table
from facevlm.marks import crop
from facevlm.types import AU_CODES

SIDES = ("value", "left", "right")


@dataclass(frozen=True)
class FaceArrays:
    """n faces, row by row the same face."""

    plain: NDArray[np.uint8]  # (n, size, size) grey crop without marks
    marked: NDArray[np.uint8]  # (n, size, size, 3) crop with Set-of-Vision marks
    cues: NDArray[np.float32]  # (n, cues) in the order of `cue_table`
    units: NDArray[np.float32]  # (n, 24, 3) measured AUs: value, left, right; NaN where unmeasured
    votes: NDArray[np.float32]  # (n, 8) distribution over EMOTIONS; zero rows where nobody voted for one
    majority: NDArray[np.int64]  # (n,) strict majority, -1 where there is none
    names: NDArray[np.str_]  # (n,)

    def __len__(self) -> int:
        return len(self.names)

    def where(self, mask: NDArray[np.bool_]) -> FaceArrays:
        return FaceArrays(*(getattr(self, each.name)[mask] for each in fields(self)))


def face_arrays(data: Path, split: Split, cache: Path, size: int, workers: int) -> FaceArrays:
    """The arrays of one FER+ split, from `cache` if they were made before."""
    file = cache / f"ferplus-{split}-{size}.npz"
    if not file.is_file():
        _make(ferplus.read(data, split), file, size, workers)
    with np.load(file) as arrays:
        return FaceArrays(*(arrays[each.name] for each in fields(FaceArrays)))


def face_workers(count: int) -> ProcessPoolExecutor:
    """Processes for finding faces: fresh ones, since a fork of a process with MediaPipe's threads in it hangs."""
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"))


def _make(faces: ferplus.FerPlus, file: Path, size: int, workers: int) -> None:
    with face_workers(workers) as pool:
        rows = list(pool.map(_row, faces.images, [size] * len(faces), chunksize=64))
    found = np.array([row is not None for row in rows])
    plain, marked, cues, units = (np.stack(column) for column in zip(*(row for row in rows if row), strict=True))
    kept = faces.where(found)
    arrays = FaceArrays(plain, marked, cues, units, kept.distribution(), kept.strict_majority(), kept.names)
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial.npz")
    np.savez(partial, **{each.name: getattr(arrays, each.name) for each in fields(arrays)})
    partial.replace(file)


def _row(image: NDArray[np.uint8], size: int) -> tuple[NDArray[Any], ...] | None:
    picture = decode(Image.fromarray(image).convert("RGB"))
    found = find(picture)
    if not found:
        return None
    face = found[0].model_copy(update={"id": 1})
    units = [[getattr(face.action_units[code], side) for side in SIDES] for code in AU_CODES]
    return (
        np.asarray(crop(picture.image, face, size, "plain").convert("L")),
        np.asarray(crop(picture.image, face, size, "landmarks")),
        np.array([face.cues[cue.name] for cue in cue_table()], np.float32),
        np.array(units, np.float32),
    )
