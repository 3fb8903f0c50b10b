"""Faces as the arrays training reads, each taken through the finder, cues and crop that users' photos take.

Photographs of FER+ have votes and no true action units, synthetic faces the other way round. Made once and kept in a
folder, for as long as the measurement is the same; faces the finder does not find are left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facevlm import files
from facevlm.data import ferplus
from facevlm.data.ferplus import Split
from facevlm.data.sample import read_samples
from facevlm.data.synth.produce import SAMPLES
from facevlm.errors import InputError
from facevlm.faces import decode, find, regressor
from facevlm.faces.action_units import measure_action_units
from facevlm.faces.cues import cue_table
from facevlm.faces.pose import frontalise
from facevlm.marks import crop
from facevlm.training.measurement import folds
from facevlm.training.measurement.measured import Source, each_face, true_strengths
from facevlm.types import AU_CODES, EMOTIONS, ActionUnit, Face, Picture

SIDES = ("value", "left", "right")
_Picture = tuple[Source, int]  # and the fold whose networks measure it, -1 for those that ship


@dataclass(frozen=True)
class FaceArrays:
    """n faces, row by row the same face."""

    plain: NDArray[np.uint8]  # (n, size, size) grey crop without marks
    marked: NDArray[np.uint8]  # (n, size, size, 3) crop with Set-of-Vision marks
    cues: NDArray[np.float32]  # (n, cues) in the order of `cue_table`
    units: NDArray[np.float32]  # (n, 24, 3) measured AUs: value, left, right; NaN where unmeasured
    truth: NDArray[np.float32]  # (n, 24, 2) true intensities, left and right; NaN where nobody knows them
    votes: NDArray[np.float32]  # (n, 8) distribution over EMOTIONS; zero rows where nobody voted for one
    majority: NDArray[np.int64]  # (n,) strict majority, -1 where there is none
    names: NDArray[np.str_]  # (n,)

    def __len__(self) -> int:
        return len(self.names)

    def where(self, mask: NDArray[np.bool_ | np.int64]) -> FaceArrays:
        """Those that a mask, (n,) bool, or places, (k,) int, choose."""
        return FaceArrays(*(getattr(self, each.name)[mask] for each in fields(self)))

    def voted(self) -> FaceArrays:
        """Those that somebody gave an emotion."""
        return self.where(self.votes.sum(1) > 0)


def face_arrays(data: Path, split: Split, cache: Path, size: int, workers: int) -> FaceArrays:
    """The arrays of one FER+ split, from `cache` if they were made before.

    Units of training faces are measured by networks that were not fitted on them.

    Raises:
        InputError: the split cannot be read, or what is kept was measured by another version of this package.
    """
    file = cache / f"ferplus-{split}-{size}.npz"
    if not file.is_file():
        faces = ferplus.read(data, split)
        unknown = np.full((len(faces), len(AU_CODES), 2), np.nan, np.float32)
        fold = folds.of(faces.names) if split == "train" else np.full(len(faces), -1)
        votes, majority = faces.distribution(), faces.strict_majority()
        _make(list(zip(faces.images, fold, strict=True)), unknown, votes, majority, faces.names, file, size, workers)
    return _load(file)


def synthetic_arrays(folder: Path, cache: Path, size: int, workers: int) -> FaceArrays:
    """The arrays of a set that `facevlm data synth` made, from `cache` if they were made before.

    Raises:
        InputError: the folder holds no such set, or what is kept was measured by another version of this package.
    """
    file = array_file(folder, cache, size)
    if not file.is_file():
        samples, _ = read_samples(folder / SAMPLES)
        nobody = np.zeros((len(samples), len(EMOTIONS)), np.float32)
        names, none = np.array([each.id for each in samples]), np.full(len(samples), -1)
        pictures = [(folder / each.image, -1) for each in samples]
        _make(pictures, true_strengths(samples), nobody, none, names, file, size, workers)
    return _load(file)


def array_file(folder: Path, cache: Path, size: int) -> Path:
    """Where `synthetic_arrays` keeps what it makes."""
    return cache / f"{folder.name}-{size}.npz"


def joined(*parts: FaceArrays) -> FaceArrays:
    """Several sets as one."""
    return FaceArrays(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(FaceArrays)))


def _make(
    pictures: Sequence[_Picture],
    truth: NDArray[np.float32],
    votes: NDArray[np.float32],
    majority: NDArray[np.int64],
    names: NDArray[np.str_],
    file: Path,
    size: int,
    workers: int,
) -> None:
    rows = each_face(partial(_row, size=size), pictures, workers)
    found = np.array([row is not None for row in rows])
    plain, marked, cues, units = (np.stack(column) for column in zip(*(row for row in rows if row), strict=True))
    save(FaceArrays(plain, marked, cues, units, truth[found], votes[found], majority[found], names[found]), file)


def save(arrays: FaceArrays, file: Path) -> None:
    """Keep arrays in `file`, with which measurement they are of."""
    file.parent.mkdir(parents=True, exist_ok=True)
    columns = {each.name: getattr(arrays, each.name) for each in fields(arrays)}
    with files.replaced(file) as unfinished, unfinished.open("wb") as written:
        np.savez(written, **columns, measured_by=np.array(_measurement()))


def _load(file: Path) -> FaceArrays:
    with np.load(file) as arrays:
        if "measured_by" not in arrays or arrays["measured_by"] != _measurement():
            raise InputError(f"{file}: faces measured by another version; delete the file, and they are measured anew")
        return FaceArrays(*(arrays[each.name] for each in fields(FaceArrays)))


def _measurement() -> str:
    """A hash of the networks that measure."""
    parts = (regressor.WEIGHTS, regressor.TABLE, folds.FILE)
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()


def _row(shown: _Picture, size: int) -> tuple[NDArray[Any], ...] | None:
    """The largest face of a picture."""
    source, fold = shown
    picture = decode(source if isinstance(source, Path) else Image.fromarray(source).convert("RGB"))
    found = find(picture)
    if not found:
        return None
    face = max(found, key=lambda each: each.box.area).model_copy(update={"id": 1})
    measured = face.action_units if fold < 0 else _by_others(picture, face, fold)
    units = [[getattr(measured[code], side) for side in SIDES] for code in AU_CODES]
    return (
        np.asarray(crop(picture.image, face, size, "plain").convert("L")),
        np.asarray(crop(picture.image, face, size, "landmarks")),
        np.array([face.cues[cue.name] for cue in cue_table()], np.float32),
        np.array(units, np.float32),
    )


def _by_others(picture: Picture, face: Face, fold: int) -> dict[int, ActionUnit]:
    """The units of a face by the networks that were not fitted on its fold."""
    points = face.landmarks.points
    grey = np.asarray(picture.image.convert("L"))
    return measure_action_units(grey, points, *frontalise(points), folds.networks()[fold])
