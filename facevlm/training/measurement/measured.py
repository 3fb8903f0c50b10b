"""Faces as the regressor of action units is given them, through the finder users' photos pass: meshes and skin."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facevlm import files
from facevlm.data.sample import Sample
from facevlm.errors import InputError
from facevlm.faces.appearance import appearance
from facevlm.faces.locate import locate
from facevlm.faces.pose import frontalise
from facevlm.types import AU_CODES

log = logging.getLogger(__name__)

TOLD_EVERY = 2000  # pictures

Source = Path | NDArray[np.uint8]  # a file, or a grey picture
S = TypeVar("S")
R = TypeVar("R")


@dataclass(frozen=True)
class Measured:
    """n faces that were found, row by row the same face."""

    frontal: NDArray[np.float32]  # (n, 478, 3)
    pose: NDArray[np.float32]  # (n, 3) yaw, pitch, roll in degrees
    patches: NDArray[np.uint8]  # (n, 2, p, SIDE, SIDE) of `appearance`
    index: NDArray[np.int64]  # (n,) which of the pictures given

    def __len__(self) -> int:
        return len(self.index)

    def where(self, mask: NDArray[np.bool_]) -> Measured:
        return Measured(*(getattr(self, each.name)[mask] for each in fields(self)))


def measure(sources: Sequence[Source], cache: Path, workers: int) -> Measured:
    """The largest face of each picture, kept in `cache`; pictures without one are left out.

    Raises:
        InputError: what is kept there is of another version of this package.
    """
    if not cache.is_file():
        rows = each_face(_row, sources, workers)
        found = [(*row, index) for index, row in enumerate(rows) if row is not None]
        faces = Measured(*(np.stack(column) for column in zip(*found, strict=True)))
        cache.parent.mkdir(parents=True, exist_ok=True)
        with files.replaced(cache) as partial, partial.open("wb") as written:
            np.savez(written, **{each.name: getattr(faces, each.name) for each in fields(faces)})
    with np.load(cache) as arrays:
        if not set(arrays) >= {each.name for each in fields(Measured)}:
            raise InputError(f"{cache}: faces found by another version; delete the file, and they are found anew")
        return Measured(*(arrays[each.name] for each in fields(Measured)))


def true_strengths(samples: Sequence[Sample]) -> NDArray[np.float32]:
    """What synthetic faces show: (n, 24, 2) intensities of AU_CODES, left and right."""
    truth = np.zeros((len(samples), len(AU_CODES), 2), np.float32)
    for row, sample in enumerate(samples):
        for code, sides in sample.details["moves"].items():
            truth[row, AU_CODES.index(int(code))] = sides
    return truth


def each_face(found_on: Callable[[S], R], sources: Sequence[S], workers: int) -> list[R]:
    """`found_on`, a function of a module, of each source in turn, by several processes.

    Fresh processes: a fork of one with MediaPipe's threads in it hangs.
    """
    rows: list[R] = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for row in pool.map(found_on, sources, chunksize=64):
            rows.append(row)
            if len(rows) % TOLD_EVERY == 0:
                log.info("%d of %d pictures", len(rows), len(sources))
    return rows


def _row(source: Source) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint8]] | None:
    image = Image.open(source) if isinstance(source, Path) else Image.fromarray(source)
    found = locate(image.convert("RGB"))
    if not found:
        return None
    points = max(found, key=lambda face: face.box.area).points
    frontal, pose = frontalise(points)
    patches = appearance(np.asarray(image.convert("L")), points)
    return frontal, np.array([pose.yaw, pose.pitch, pose.roll], np.float32), patches
