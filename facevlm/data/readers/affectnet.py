"""AffectNet (Mollahosseini, Hasani & Mahoor, IEEE TAC 2017), labelled by hand.

Two layouts. The older: training.csv and validation.csv, in Manually_Annotated_file_lists/ or beside the pictures, with
columns subDirectory_filePath, face_x, face_y, face_width, face_height, facial_landmarks, expression, valence, arousal
(validation.csv may lack the header), and Manually_Annotated_Images/. The newer: train_set/ and val_set/, each with
images/ID.jpg and annotations/ID_exp.npy, ID_val.npy, ID_aro.npy; the faces are cut out. Layouts and label order as
published loaders have them; the data set was not at hand. Its test labels are not public.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from facevlm.data.readers.reading import Reading, attempt, existing, expected, missing, numbered, published, reading
from facevlm.data.sample import Rejected, Sample
from facevlm.types import Box, Emotion

NAME = "affectnet"
_LISTS = {"train": "training.csv", "valid": "validation.csv"}
_SETS = {"train": "train_set", "valid": "val_set"}
_IMAGES = "Manually_Annotated_Images"
_COLUMNS = 9


def read(folder: Path, split: str = "train") -> Reading:
    """One split of AffectNet, from whichever layout is in `folder`. Raises InputError where neither is."""
    counts = expected(NAME, split)
    annotations = folder / _SETS[split] / "annotations"
    if annotations.is_dir():
        return reading(_annotated(folder, annotations, split), counts)
    listed = [place / _LISTS[split] for place in (folder / "Manually_Annotated_file_lists", folder)]
    files = [file for file in listed if file.is_file()]
    if not files:
        raise missing(NAME, listed[0])
    return reading(_listed(folder, files[0], split), counts)


def _listed(folder: Path, file: Path, split: str) -> Iterator[Sample | Rejected]:
    with file.open(newline="", encoding="utf-8", errors="replace") as lines:
        for row, cells in enumerate(csv.reader(lines), start=1):
            if cells[:1] != ["subDirectory_filePath"]:
                yield attempt(file, row, _row, cells, folder, split)


def _row(cells: list[str], folder: Path, split: str) -> Sample:
    if len(cells) != _COLUMNS:
        raise ValueError(f"{len(cells)} columns, not {_COLUMNS}")
    path, x, y, width, height, _, expression, valence, arousal = cells
    emotion, details = _label(expression)
    root = folder / _IMAGES if (folder / _IMAGES).is_dir() else folder
    return Sample(
        id=f"{NAME}/{Path(path).with_suffix('')}",
        source="AffectNet",
        image=existing(root / path, folder),
        box=Box(x=float(x), y=float(y), width=float(width), height=float(height)),
        split=split,
        emotion=emotion,
        details=details | {"valence": float(valence), "arousal": float(arousal)},
    )


def _annotated(folder: Path, annotations: Path, split: str) -> Iterator[Sample | Rejected]:
    for file in sorted(annotations.glob("*_exp.npy")):
        yield attempt(file, 0, _annotation, file, folder, split)


def _annotation(file: Path, folder: Path, split: str) -> Sample:
    name = file.name.removesuffix("_exp.npy")
    emotion, details = _label(_value(file))
    measures = {"valence": file.with_name(f"{name}_val.npy"), "arousal": file.with_name(f"{name}_aro.npy")}
    return Sample(
        id=f"{NAME}/{name}",
        source="AffectNet",
        image=existing(file.parent.parent / "images" / f"{name}.jpg", folder),
        split=split,
        emotion=emotion,
        details=details | {key: float(_value(path)) for key, path in measures.items() if path.is_file()},
    )


def _value(file: Path) -> str:
    """What a file of one number, stored as a number or as text, holds."""
    import numpy as np

    return str(np.load(file, allow_pickle=False).item())


def _label(text: str) -> tuple[Emotion | None, dict[str, Any]]:
    facts = published(NAME)
    label = numbered(facts.emotions | facts.others, text)
    return (None, {"label": label}) if label in facts.others.values() else (label, {})
