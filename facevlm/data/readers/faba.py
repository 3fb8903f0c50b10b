"""FABA-Instruct (Li et al., ECCV 2024): questions and answers about AffectNet faces, the answers written by a language
model.

FABAInstruct/train/train_emotion_anno.json and train_au_anno.json, and eval/ in the same way: JSON lists of objects
with source, image (from the folder above FABAInstruct), id, conversations of one human and one gpt turn, and landmark,
as the README of JackYFL/EmoLA has it. The action units of an AU answer are those its prose names, which is how the
authors score it: nobody coded them, one that a sentence denies counts too, and none is known to be absent. The emotion
is left in the prose.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from facevlm.data.readers import units
from facevlm.data.readers.reading import Reading, attempt, existing, expected, missing, reading
from facevlm.data.sample import Rejected, Sample

NAME = "faba"
_FOLDERS = {"train": "train", "test": "eval"}


def read(folder: Path, split: str = "train") -> Reading:
    """The answers of a split: `folder` is FABAInstruct or holds it. Raises InputError where it is not there."""
    counts = expected(NAME, split)
    root = folder / "FABAInstruct" if (folder / "FABAInstruct").is_dir() else folder
    part = _FOLDERS[split]
    files = [root / part / f"{part}_{kind}_anno.json" for kind in ("emotion", "au")]
    found = [file for file in files if file.is_file()]
    if not found:
        raise missing(NAME, files[0])
    return reading((row for file in found for row in _rows(file, root, folder, split)), counts)


def _rows(file: Path, root: Path, folder: Path, split: str) -> Iterator[Sample | Rejected]:
    try:
        entries = json.loads(file.read_bytes())
    except ValueError as error:
        yield Rejected(file=str(file), row=0, reason=f"not JSON ({error}); fetch it again")
        return
    for row, entry in enumerate(entries, start=1):
        yield attempt(file, row, _row, entry, root, folder, split, "_au_" in file.name)


def _row(entry: dict[str, Any], root: Path, folder: Path, split: str, coded: bool) -> Sample:
    question, answer = _turns(entry)
    aus, others = units.known({unit: units.PRESENT for unit in units.mentioned(answer)}) if coded else (None, {})
    return Sample(
        id=f"{NAME}/{entry['id']}/{'au' if coded else 'emotion'}",
        source="FABA-Instruct",
        image=existing(root / str(entry["image"]).removeprefix("FABAInstruct/"), folder),
        split=split,
        aus=aus,
        question=question,
        text=answer,
        details=others,
    )


def _turns(entry: dict[str, Any]) -> tuple[str, str]:
    try:
        human, model = entry["conversations"]
        entry["id"], entry["image"]
        return human["value"].replace("<image>", "").strip(), model["value"].strip()
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ValueError("needs id, image and conversations of a question and an answer") from None
