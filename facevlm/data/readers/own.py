"""A user's own faces: a folder of pictures for each emotion, a CSV table, or JSON lines.

* A folder: DIR/happiness/*.jpg, or DIR/train/happiness/*.jpg where there are splits.
* JSON lines: `{"image", "id"?, "emotion"?, "aus"?, "group"?}`, as `facevlm eval run` takes them; `aus` is [6, 12],
  ["AU6", "AU12"], {"12": "D"}, {"12": 0.7} or {"12": 0}. What is not named in `aus` was not coded.
* CSV: a header with the same names; `aus` is JSON, or units parted by spaces.

`image` is relative to the file, and is the `id` where none is given. Words such as «happy» stand for the emotion. A CSV
or JSON-lines file is one split, called as the user says.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from facevlm.data.readers import units
from facevlm.data.readers.reading import Expected, Reading, attempt, emotion_of, existing, parsed, reading
from facevlm.data.sample import Rejected, Sample, UnitLabel
from facevlm.errors import InputError
from facevlm.faces.decode import SUFFIXES

NAME = "own"
_FIELDS = frozenset({"id", "image", "emotion", "aus", "group"})


def read(place: Path, split: str = "train") -> Reading:
    """The faces of a folder, a .csv file or a file of JSON lines. Raises InputError where there are none."""
    if place.is_dir():
        folders = _folders(place / split) or _folders(place)
        if not folders:
            raise InputError(
                f"{place}: no folders named after emotions here; sort the pictures into happiness/ and so on"
            )
        return reading(_sorted_by_folder(place, folders, split), Expected())
    if not place.is_file():
        raise InputError(f"{place}: there is no such folder or file; give one with your pictures or labels")
    rows = _table(place, _header(place)) if place.suffix.lower() == ".csv" else _lines(place)
    return reading((attempt(place, row, _row, fields, place.parent, split) for row, fields in rows), Expected())


def _folders(place: Path) -> list[Path]:
    return [path for path in sorted(place.iterdir()) if path.is_dir()] if place.is_dir() else []


def _sorted_by_folder(place: Path, folders: list[Path], split: str) -> Iterator[Sample | Rejected]:
    for folder in folders:
        for picture in sorted(folder.rglob("*")):
            if picture.suffix.lower() in SUFFIXES:
                yield attempt(picture, 0, _sorted, picture, place, folder.name, split)


def _sorted(picture: Path, place: Path, label: str, split: str) -> Sample:
    image = picture.relative_to(place).as_posix()
    return Sample(id=image, source=NAME, image=image, split=split, emotion=emotion_of(label))


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    with file.open(encoding="utf-8", errors="replace") as lines:
        yield from ((row, line) for row, line in enumerate(lines, start=1) if line.strip())


def _header(file: Path) -> list[str]:
    with file.open(newline="", encoding="utf-8-sig", errors="replace") as lines:
        header = next(csv.reader(lines), [])
    if "image" not in header:
        raise InputError(f"{file}: its first line does not name the column image; add a header, such as image,emotion")
    return header


def _table(file: Path, header: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    with file.open(newline="", encoding="utf-8-sig", errors="replace") as lines:
        table = csv.reader(lines)
        next(table)
        for row, cells in enumerate(table, start=2):
            yield row, {key: cell for key, cell in zip(header, cells, strict=False) if cell}


def _row(given: str | dict[str, str], root: Path, split: str) -> Sample:
    fields = parsed(given, "the line") if isinstance(given, str) else given
    if not isinstance(fields, dict) or "image" not in fields:
        raise ValueError("not a face with an image")
    aus, others = units.known(_units(fields["aus"])) if fields.get("aus") is not None else (None, {})
    return Sample(
        id=str(fields["image"] if fields.get("id") is None else fields["id"]),
        source=NAME,
        image=_picture(Path(str(fields["image"])), root),
        split=split,
        emotion=emotion_of(fields["emotion"]) if fields.get("emotion") else None,
        aus=aus,
        group=str(fields["group"]) if fields.get("group") is not None else None,
        details={key: value for key, value in fields.items() if key not in _FIELDS} | others,
    )


def _picture(picture: Path, root: Path) -> str:
    if not picture.is_absolute():
        return existing(root / picture, root)
    if not picture.is_file():
        raise ValueError(f"no picture {picture}")
    return str(picture)


def _units(given: Any) -> dict[int, UnitLabel]:
    """What `aus` says; in a table it is text: JSON, or units parted by spaces, commas or semicolons."""
    if isinstance(given, str):
        is_json = given.lstrip().startswith(("{", "["))
        return units.labels(
            parsed(given, f"aus {given!r}") if is_json else given.replace(",", " ").replace(";", " ").split()
        )
    return units.labels(given)
