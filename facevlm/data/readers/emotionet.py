"""EmotioNet (Benitez-Quiroz, Srinivasan & Martinez, CVPR 2016): pictures from the web with 60 action-unit columns.

The challenge files dataFile_0001.txt and so on have rows of a picture's address, its first address, and AU 1 to 60 in
order, parted by tabs: 1 present, 0 absent, 999 (in some releases −1) not known, which is not the same as absent. So
loaders of the files of release 1.2 have it. A table saved as CSV, with or without a header that names the columns
(URL, AU 1, …), is read too; .xlsx is not. Pictures are found by the last part of their address, anywhere under
images/. The files of the split have its name in theirs; those with none are training. Rows whose picture was not
fetched are rejected: many of the addresses are dead.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from facevlm.data.readers import units
from facevlm.data.readers.reading import Reading, attempt, expected, missing, reading, whole
from facevlm.data.sample import Rejected, Sample, UnitLabel
from facevlm.faces.decode import SUFFIXES

NAME = "emotionet"
_ADDRESSES = 2  # columns before AU 1 in a table without a header
_UNITS = 60
_VALUES: dict[int, UnitLabel | None] = {0: units.ABSENT, 1: units.PRESENT, 999: None, -1: None}


def read(folder: Path, split: str = "train") -> Reading:
    """The rows of a split whose picture is there. Raises InputError where EmotioNet is not in `folder`."""
    counts = expected(NAME, split)
    tables = [path for path in sorted(folder.iterdir()) if path.suffix in (".txt", ".csv")] if folder.is_dir() else []
    files = [path for path in tables if _split(path) == split]
    if not files:
        raise missing(NAME, folder / "dataFile_0001.txt")
    if not (folder / "images").is_dir():
        raise missing(NAME, folder / "images")
    return reading(_rows(files, folder, split), counts)


def _split(file: Path) -> str:
    name = file.stem.lower()
    return "test" if "test" in name else "valid" if "val" in name else "train"


def _rows(files: list[Path], folder: Path, split: str) -> Iterator[Sample | Rejected]:
    found = (path for path in (folder / "images").rglob("*") if path.suffix.lower() in SUFFIXES)
    pictures = {path.name: path.relative_to(folder).as_posix() for path in found}
    for file in files:
        with file.open(newline="", encoding="utf-8", errors="replace") as lines:
            header = _header([])
            for row, cells in enumerate(csv.reader(lines, delimiter="," if file.suffix == ".csv" else "\t"), start=1):
                if row == 1 and _names_columns(cells):
                    header = _header(cells)
                else:
                    yield attempt(file, row, _row, header, cells, pictures, split)


def _names_columns(cells: list[str]) -> bool:
    return any(re.fullmatch(r"\s*'?AU\s*\d+'?\s*", cell, re.IGNORECASE) for cell in cells)


def _header(cells: list[str]) -> dict[int, int]:
    """The action unit of each column that has one."""
    if not cells:
        return {_ADDRESSES - 1 + unit: unit for unit in range(1, _UNITS + 1)}
    numbers = ((column, re.search(r"AU\s*(\d+)", cell, re.IGNORECASE)) for column, cell in enumerate(cells))
    return {column: int(number[1]) for column, number in numbers if number}


def _row(header: dict[int, int], cells: list[str], pictures: dict[str, str], split: str) -> Sample:
    if len(cells) <= max(header):
        raise ValueError(f"{len(cells)} columns, not {max(header) + 1}")
    name = PurePosixPath(unquote(urlsplit(cells[0].strip().strip("'")).path)).name
    if name not in pictures:
        raise ValueError(f"no picture {name} under images/")
    coded = {unit: _value(cells[column]) for column, unit in header.items()}
    aus, others = units.known({unit: label for unit, label in coded.items() if label is not None})
    return Sample(
        id=f"{NAME}/{PurePosixPath(name).stem}",
        source="EmotioNet",
        image=pictures[name],
        split=split,
        aus=aus,
        details=others,
    )


def _value(cell: str) -> UnitLabel | None:
    number = whole(cell, "code")
    if number not in _VALUES:
        raise ValueError(f"code {number} is unknown; 0, 1, 999 and -1 are known")
    return _VALUES[number]
