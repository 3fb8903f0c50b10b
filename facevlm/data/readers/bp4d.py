"""BP4D (Zhang et al., IVC 2014): 41 people, eight tasks each, on video; action units coded in the most expressive
seconds.

AUCoding/AU_OCC/F001_T1.csv (older copies: AUCoding/F001_T1.csv) has a header of 0 and the numbers of the action units,
then a row for each coded frame: its number, and 1 present, 0 absent, 9 unknown. Pictures are F001/T1/2440.jpg, with or
without leading zeros, in the folder given or in BP4D-training/ or Sequences(2D+3D)/. So published loaders have it; the
data set was not at hand. They disagree on one point that could not be settled: most take a frame's number for its
picture's, one of BP4D+ takes the one before. The numbers are taken as they are. AU_INT, the intensities of five units,
is not read.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from facevlm.data.readers import units
from facevlm.data.readers.reading import Reading, attempt, expected, frames, missing, reading, whole
from facevlm.data.sample import Rejected, Sample, UnitLabel

NAME = "bp4d"
_UNKNOWN = 9
_VALUES: dict[int, UnitLabel | None] = {0: units.ABSENT, 1: units.PRESENT, _UNKNOWN: None}


def read(folder: Path, split: str = "train") -> Reading:
    """Every coded frame that has a picture. Raises InputError where BP4D is not in `folder`."""
    counts = expected(NAME, split)
    codes = folder / "AUCoding" / "AU_OCC"
    codes = codes if codes.is_dir() else codes.parent
    files = sorted(codes.glob("[FM]*_T*.csv"))
    if not files:
        raise missing(NAME, codes / "F001_T1.csv")
    return reading((row for file in files for row in _video(folder, file)), counts)


def _video(folder: Path, file: Path) -> Iterator[Sample | Rejected]:
    person, task = file.stem.split("_", 1)
    places = (folder / part / person / task for part in ("BP4D-training", "Sequences(2D+3D)", ""))
    place = next((each for each in places if each.is_dir()), None)
    if place is None:
        yield Rejected(file=str(file), row=0, reason=f"no folder {person}/{task} of pictures")
        return
    pictures = frames(place)
    with file.open(newline="", encoding="utf-8", errors="replace") as lines:
        table = csv.reader(lines)
        header = [cell.strip() for cell in next(table, [])]
        for row, cells in enumerate(table, start=2):
            yield attempt(file, row, _row, header, cells, pictures, folder, file.stem)


def _row(header: list[str], cells: list[str], pictures: dict[int, Path], folder: Path, video: str) -> Sample:
    if len(cells) != len(header):
        raise ValueError(f"{len(cells)} columns, not {len(header)}")
    frame = whole(cells[0], "frame")
    if frame not in pictures:
        raise ValueError(f"frame {frame} has no picture")
    coded = {units.code(unit): _value(cell) for unit, cell in zip(header[1:], cells[1:], strict=True)}
    aus, others = units.known({unit: label for unit, label in coded.items() if label is not None})
    person, task = video.split("_", 1)
    return Sample(
        id=f"{NAME}/{video}_{frame}",
        source="BP4D",
        image=pictures[frame].relative_to(folder).as_posix(),
        aus=aus,
        group=person,
        details={"task": task} | others,
    )


def _value(cell: str) -> UnitLabel | None:
    number = whole(cell, "code")
    if number not in _VALUES:
        raise ValueError(f"code {number} is unknown; 0, 1 and 9 are known")
    return _VALUES[number]
