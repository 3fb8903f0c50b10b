"""Rows of reinforcement for a model that is shown marked crops, such as the embedded one, from faces as arrays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from facevlm.data import ferplus
from facevlm.data.cot import coding
from facevlm.errors import InputError
from facevlm.faces.cues import cue_table
from facevlm.files import replaced
from facevlm.prompting import Prompt, render_face
from facevlm.training.embedded.arrays import SIDES, FaceArrays, face_arrays, joined, synthetic_arrays
from facevlm.training.embedded.writing import TRUE_FROM, measured, true_units
from facevlm.training.tuning.targets import Measured, Message, Row
from facevlm.types import EMOTIONS, ActionUnit, Face

PICTURES, TRAINED, HELD_OUT = "images", "train.jsonl", "held-out.jsonl"


def of_faces(
    data: Path, work: Path, model: str, prompt: Prompt, workers: int, synthetic: Path | None = None
) -> tuple[Path, Path]:
    """The rows of FER+'s training split in `work`, made if they are not there: those to train on, and the tenth that is
    held out by `ferplus.held_out`.

    With a `synthetic` set, made by `facevlm data synth`, its faces are one half and as many photographs the other.

    Raises:
        InputError: the model is not shown crops, a folder holds no such faces, or something cannot be written.
    """
    rows = work / (f"rows-{synthetic.name}" if synthetic else "rows")
    files = rows / TRAINED, rows / HELD_OUT
    if not all(file.is_file() for file in files):
        size = _crop_size(model)
        faces = face_arrays(data, "train", work, size, workers).voted()
        if synthetic is not None:
            renders = synthetic_arrays(synthetic, work, size, workers)
            faces = joined(_first(faces, len(renders)), renders)
            faces = _first(faces, len(faces))  # a few held out are a few of both
        held_out = ferplus.held_out(faces.names)
        for file, part in zip(files, (~held_out, held_out), strict=True):
            write_rows(faces.where(part), prompt, file)
    return files


def write_rows(faces: FaceArrays, prompt: Prompt, file: Path) -> int:
    """Write a row a face to `file`, whole or not at all, and its crop beside it as a PNG; returns how many.

    A photograph brings votes, a synthetic face the units that are truly there.

    Raises:
        InputError: something cannot be written.
    """
    try:
        (file.parent / PICTURES).mkdir(parents=True, exist_ok=True)
        with replaced(file) as partial, partial.open("w", encoding="utf-8") as written:
            for row in _rows(faces, prompt, file.parent):
                written.write(row.model_dump_json(exclude_none=True, exclude={"folder"}) + "\n")
    except OSError as error:
        raise InputError(f"{file}: cannot be written ({error.strerror}); free space or give another folder") from None
    return len(faces)


def _first(faces: FaceArrays, count: int) -> FaceArrays:
    """So many of them, in the order of the hashes of their names."""
    hashes = [hashlib.sha256(str(name).encode()).digest() for name in faces.names]
    return faces.where(np.array(sorted(range(len(faces)), key=hashes.__getitem__)[:count]))


def _rows(faces: FaceArrays, prompt: Prompt, folder: Path) -> Iterator[Row]:
    for index in range(len(faces)):
        name = f"{PICTURES}/{Path(str(faces.names[index]).replace('/', '-')).stem}.png"
        crop = Image.fromarray(faces.marked[index])
        crop.save(folder / name)
        yield _row(faces, index, prompt, crop, name)


def _row(faces: FaceArrays, index: int, prompt: Prompt, crop: Image.Image, name: str) -> Row:
    units = measured(faces.units[index])
    cues = {cue.name: value for cue, value in zip(cue_table(), faces.cues[index].tolist(), strict=True)}
    asked = render_face(prompt, Face.model_construct(cues=cues, action_units=units), crop)
    return Row(
        prompt=tuple(Message(role=turn.role, content=turn.text) for turn in asked.turns),
        images=(name,),
        fields=prompt.answer,
        units={code: _measured(unit) for code, unit in units.items()},
        **_known(faces, index),
    )


def _known(faces: FaceArrays, index: int) -> dict[str, Any]:
    """The votes on a photograph and what most raters see, or the true units of a synthetic face."""
    votes, majority, truth = faces.votes[index], int(faces.majority[index]), faces.truth[index]
    known: dict[str, Any] = {}
    if majority >= 0:
        known["emotion"] = EMOTIONS[majority]
    if votes.sum() > 0:
        known["votes"] = _rounded({each: share for each, share in zip(EMOTIONS, votes.tolist(), strict=True) if share})
    if (truth == truth).any():  # NaN where nobody knows
        seen = coding.measured(true_units(truth), TRUE_FROM).observations
        known["truth"] = {each.au: each.model_dump(include={"intensity", "side"}) for each in seen}
    return known


def _measured(unit: ActionUnit) -> Measured:
    return Measured(**_rounded(unit.model_dump(include=set(SIDES), exclude_none=True)))


def _rounded(numbers: dict[Any, float]) -> dict[Any, Any]:
    return {name: round(number, 4) for name, number in numbers.items()}


def _crop_size(model: str) -> int:
    try:
        return int(json.loads((Path(model) / "facevlm.json").read_text(encoding="utf-8"))["crop_size"])
    except (OSError, ValueError, KeyError):
        raise InputError(f"{model}: no model that is shown crops of faces; give JSON lines with --data") from None
