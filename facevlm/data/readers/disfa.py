"""DISFA (Mavadati et al., IEEE TAC 2013): spontaneous expressions on video, 12 action units graded 0–5 in every frame.

ActionUnit_Labels/SN001/SN001_au1.txt has a line «frame,intensity» for each frame, as OpenFace's scripts read it. The
data set ships videos: their frames are looked for in Images/SN001/. Both are taken to count from 1, which could not be
verified. How a user names frames is not standard, so only the last digits of a name count. An action unit is present
from intensity 2, as detection papers have it; one graded 1 is absent, and named under `traces`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from facevlm.data.readers import units
from facevlm.data.readers.reading import Reading, attempt, expected, frames, missing, published, reading, whole
from facevlm.data.sample import Rejected, Sample

NAME = "disfa"
PRESENT_FROM = 2


def read(folder: Path, split: str = "train") -> Reading:
    """Every frame that is graded and has a picture. Raises InputError where DISFA is not in `folder`."""
    counts = expected(NAME, split)
    for part in ("ActionUnit_Labels", "Images"):
        if not (folder / part).is_dir():
            raise missing(NAME, folder / part)
    people = sorted((folder / "ActionUnit_Labels").glob("SN*/"))
    return reading((row for person in people for row in _person(folder, person)), counts)


def _person(folder: Path, person: Path) -> Iterator[Sample | Rejected]:
    grades: dict[int, dict[int, int]] = {}
    for unit in published(NAME).aus:
        yield from _grades(person / f"{person.name}_au{unit}.txt", unit, grades)
    place = folder / "Images" / person.name
    pictures = frames(place) if place.is_dir() else {}
    for frame in sorted(grades):
        if frame in pictures:
            yield attempt(pictures[frame], 0, _sample, folder, pictures[frame], grades[frame], person.name)
    lacking = len(grades.keys() - pictures.keys())
    if lacking:
        yield Rejected(file=str(place), row=0, reason=f"{lacking} graded frames have no picture")


def _grades(file: Path, unit: int, grades: dict[int, dict[int, int]]) -> Iterator[Rejected]:
    """Add one action unit's grades to those of each frame; a line that cannot be read leaves it ungraded there."""
    if not file.is_file():
        yield Rejected(file=str(file), row=0, reason=f"AU {unit} is not graded for this person")
        return
    for row, line in enumerate(file.read_text().splitlines(), start=1):
        try:
            frame, grade = _grade(line)
        except ValueError as error:
            yield Rejected(file=str(file), row=row, reason=str(error))
        else:
            grades.setdefault(frame, {})[unit] = grade


def _grade(line: str) -> tuple[int, int]:
    cells = line.split(",")
    if len(cells) != 2:
        raise ValueError(f"{line!r} is not a frame and an intensity")
    frame, grade = whole(cells[0], "frame"), whole(cells[1], "intensity")
    if not 0 <= grade <= 5:
        raise ValueError(f"intensity {grade} is not between 0 and 5")
    return frame, grade


def _sample(folder: Path, picture: Path, grades: dict[int, int], person: str) -> Sample:
    traces = [unit for unit, grade in grades.items() if 0 < grade < PRESENT_FROM]
    return Sample(
        id=f"{NAME}/{person}/{picture.stem}",
        source="DISFA",
        image=picture.relative_to(folder).as_posix(),
        aus={unit: units.graded(grade) if grade >= PRESENT_FROM else units.ABSENT for unit, grade in grades.items()},
        group=person,
        details={"traces": traces} if traces else {},
    )
