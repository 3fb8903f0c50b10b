"""FEA-20K (Wu et al., Facial-R1, arXiv 2511.10254, since withdrawn): faces of seven data sets with action units and a
reason.

JSON lines of id, dataset, image, question, AUs (["AU1", …]), labels (["sadness"]), description and meta_info, as the
README of RobitsG/Facial-R1 has it; its loader passes over rows with is_valid false. The annotations' own file names
could not be seen: every .jsonl or .json file with the split in its name is read («FABA-Train.jsonl»), of several
stages the first, which is the set that is counted. `image` is relative to the folder given. A unit that is not listed
is not known to be absent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from facevlm.data.readers import units
from facevlm.data.readers.reading import Reading, attempt, emotion_of, existing, expected, missing, parsed, reading
from facevlm.data.sample import Rejected, Sample

NAME = "fea20k"


def read(folder: Path, split: str = "train") -> Reading:
    """The rows of a split. Raises InputError where none of its files is in `folder`."""
    counts = expected(NAME, split)
    named = [path for path in sorted(folder.rglob("*.json*")) if split in path.name.lower()]
    files = [path for path in named if "stage1" in path.name] or named
    if not files:
        raise missing(NAME, folder / f"FABA-{split.capitalize()}.jsonl")
    return reading((row for file in files for row in _rows(file, folder, split)), counts)


def _rows(file: Path, folder: Path, split: str) -> Iterator[Sample | Rejected]:
    with file.open("rb") as lines:
        for row, line in enumerate(lines, start=1):
            if line.strip() and not _set_aside(line):
                yield attempt(file, row, _row, line, folder, split)


def _set_aside(line: bytes) -> bool:
    try:
        entry = json.loads(line)
    except ValueError:
        return False
    return isinstance(entry, dict) and entry.get("is_valid") is False


def _row(line: bytes, folder: Path, split: str) -> Sample:
    entry = _entry(line)
    labels = [emotion_of(label) for label in entry.get("labels") or []]
    aus, others = units.known(units.labels(entry.get("AUs") or []))
    several = {"labels": labels} if len(labels) > 1 else {}
    return Sample(
        id=f"{NAME}/{entry['dataset']}/{entry['id']}",
        source="FEA-20K",
        image=existing(folder / entry["image"], folder),
        split=split,
        emotion=labels[0] if len(labels) == 1 else None,
        aus=aus,
        question=str(entry.get("question") or "").replace("<image>", "").strip() or None,
        text=entry.get("description") or None,
        details={"dataset": entry["dataset"]} | several | others,
    )


def _entry(line: bytes) -> dict[str, Any]:
    entry = parsed(line, "the line")
    if not isinstance(entry, dict):
        raise ValueError("not a JSON object")
    lacking = [key for key in ("id", "dataset", "image") if not entry.get(key)]
    if lacking:
        raise ValueError(f"lacks {', '.join(lacking)}")
    return entry
