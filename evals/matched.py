"""Sets of faces as a matcher and the embedded VLM see them, for `matching.py`: votes, measured action units, embeddings
and probabilities, row by row the same face. What is not found, or not answered, is nan.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from answers import Asking, Pictures, tell
from ladder import fixed
from numpy.typing import NDArray
from PIL import Image

from facevlm import facs, files
from facevlm.data import ferplus
from facevlm.data.ferplus import FerPlus, Split
from facevlm.errors import InputError
from facevlm.evaluation.metrics import calibration
from facevlm.matching.labels import embedded, labels
from facevlm.matching.matcher import Matcher, Vectors
from facevlm.training.embedded.arrays import FaceArrays, face_arrays, synthetic_arrays
from facevlm.types import EMOTIONS, Emotion, FaceAnalysis

SIZE, MARKS = 64, "landmarks"  # pixels of the kept crops, and what is drawn on them
SHARE = 0.3  # of the votes, that each of a compound's two emotions has at least
RENDERS = 1000

Table = NDArray[np.float64]


@dataclass(frozen=True)
class Faces:
    """n faces of a named set."""

    name: str
    images: NDArray[np.uint8]  # as the set has them, for the VLM
    names: NDArray[np.str_]
    votes: NDArray[np.float32]  # (n, 8)
    majority: NDArray[np.int64]  # (n,) -1 where there is none
    crops: NDArray[np.uint8]  # (n, 64, 64, 3); black where no face is found
    units: NDArray[np.float32]  # (n, 24) measured strengths, of the stronger side
    found: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.names)

    def where(self, mask: NDArray[np.bool_], name: str | None = None) -> Faces:
        rows = {each: getattr(self, each)[mask] for each in Faces.__dataclass_fields__ if each != "name"}
        return replace(self, **rows, name=name or self.name)

    @property
    def labelled(self) -> Faces:
        """Those with a strict majority."""
        return self.where(self.majority >= 0)


@lru_cache(maxsize=2)
def photographs(data: Path, split: Split, work: Path, workers: int) -> Faces:
    """FER+ validation, or the tenth of FER+ training that nothing was trained on."""
    whole = ferplus.read(data / "ferplus", split)
    arrays = face_arrays(data / "ferplus", split, work, SIZE, workers)
    if split == "train":
        return _aligned("ferplus-held-out", whole.where(ferplus.held_out(whole.names)), arrays)
    return _aligned("ferplus-valid", whole, arrays)


def renders(folder: Path, work: Path, workers: int) -> FaceArrays:
    """1,000 synthetic faces nothing was trained on, with their true action units."""
    arrays = synthetic_arrays(folder, work, SIZE, workers)
    return arrays.where(np.isin(np.arange(len(arrays)), np.flatnonzero(ferplus.held_out(arrays.names))[:RENDERS]))


def mixed(faces: Faces, asked: Sequence[facs.Compound]) -> tuple[Faces, NDArray[np.int64]]:
    """The faces on which two emotions lead the votes, each with a share of 0.3 or more, and together are one of the
    expressions asked about: these, and the place of the expression.
    """
    pairs = {frozenset(EMOTIONS.index(each) for each in row.emotions): place for place, row in enumerate(asked)}
    order = np.argsort(-faces.votes, 1)
    shares = np.take_along_axis(faces.votes, order, 1)
    clear = (shares[:, 1] >= SHARE) & (shares[:, 1] > shares[:, 2])
    truth = np.array([pairs.get(frozenset(row.tolist()), -1) for row in order[:, :2]], np.int64)
    kept = clear & (truth >= 0)
    return faces.where(kept, f"{faces.name}-mixed"), truth[kept]


def vectors(matcher: Matcher, crops: NDArray[np.uint8], work: Path) -> Vectors:
    """(n, dim) embeddings of crops, kept in the work folder."""
    if (matcher.facts.get("crop_size"), matcher.facts.get("marks")) != (SIZE, MARKS):
        raise InputError(f"{matcher.name}: its crops are not of {SIZE} pixels with {MARKS}, which alone are kept here")
    file = work / "vectors" / f"{hashlib.sha256(crops.tobytes()).hexdigest()[:12]}-{matcher.fingerprint}.npy"
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        with files.replaced(file) as partial, partial.open("wb") as written:
            np.save(written, matcher.faces([Image.fromarray(each) for each in crops]))
    kept: Vectors = np.load(file)
    return kept


def seen(matcher: Matcher, faces: Faces, work: Path) -> Vectors:
    """(n, dim) embeddings of a set; nan where no face is found."""
    return np.where(faces.found[:, None], vectors(matcher, faces.crops, work), np.nan)


def logits(matcher: Matcher, faces: Vectors, known: Sequence[Emotion]) -> Table:
    """(n, emotions) scale × cosine for the emotions' names."""
    return np.asarray(matcher.scale * faces @ embedded(matcher, labels(known)).T, np.float64)


def told(faces: Faces, work: Path, most: int | None = None) -> tuple[Faces, Table]:
    """What the embedded VLM says of a set, or of so many of it by name hash: those faces, and (n, 8) probabilities."""
    images: dict[str, NDArray[np.uint8]] = dict(zip(map(str, faces.names), faces.images, strict=True))
    pictures = Pictures(faces.name, list(images), lambda name: Image.fromarray(images[name]).convert("RGB"))
    asked = pictures if most is None else fixed(pictures, most)
    chosen = faces.where(np.isin(faces.names, list(asked.ids)))
    answers: dict[str, FaceAnalysis | None] = {
        each.id: each.face for each in tell(Asking("nano-facs"), asked.of(list(map(str, chosen.names))), work)
    }
    return chosen, calibration.probabilities(answers[str(name)] for name in chosen.names)


def _aligned(name: str, whole: FerPlus, arrays: FaceArrays) -> Faces:
    rows = {str(each): row for row, each in enumerate(arrays.names)}
    places = np.array([rows.get(str(each), -1) for each in whole.names])
    found = places >= 0
    strongest = np.fmax.reduce(arrays.units, axis=2)
    return Faces(
        name,
        whole.images,
        whole.names,
        whole.distribution(),
        whole.strict_majority(),
        np.where(found[:, None, None, None], arrays.marked[places], 0),
        np.where(found[:, None], strongest[places], np.nan),
        found,
    )
