"""CK+ (Lucey et al., CVPRW 2010): posed sequences from a neutral face to the peak, FACS coded at the peak.

cohn-kanade-images/S005/001/S005_001_00000011.png with FACS/S005/001/S005_001_00000011_facs.txt (a line for each action
unit: its number and intensity, written 1.7000000e+01) and, for 327 of 593 sequences, Emotion/…_emotion.txt, as the
database's ReadMe of 2010 has it. The last frame is the peak, the first is neutral and is not FACS coded. The coding is
whole: what is not listed is absent. Two points could not be verified: the part of the ReadMe that was seen gives no
scale of intensities, and 1 to 5 are read here as A to E and 0 as not graded; and it shows no code with a side: one
that is not a plain number is rejected.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from facevlm.data.readers import units
from facevlm.data.readers.reading import (
    Reading,
    attempt,
    expected,
    frames,
    missing,
    numbered,
    published,
    reading,
    whole,
)
from facevlm.data.sample import Rejected, Sample, UnitLabel
from facevlm.types import Emotion

NAME = "ckplus"


def read(folder: Path, split: str = "train") -> Reading:
    """The first and the last frame of every sequence. Raises InputError where CK+ is not in `folder`."""
    counts = expected(NAME, split)
    for part in ("cohn-kanade-images", "FACS", "Emotion"):
        if not (folder / part).is_dir():
            raise missing(NAME, folder / part)
    return reading(_sequences(folder), counts)


def _sequences(folder: Path) -> Iterator[Sample | Rejected]:
    for sequence in sorted((folder / "cohn-kanade-images").glob("S*/*/")):
        pictures = frames(sequence)
        if not pictures:
            yield Rejected(file=str(sequence), row=0, reason="no picture in this sequence")
            continue
        first, last = pictures[min(pictures)], pictures[max(pictures)]
        yield _sample(folder, first, emotion="neutral")
        yield from _peak(folder, last)


def _peak(folder: Path, picture: Path) -> Iterator[Sample | Rejected]:
    """The peak, whole or not at all: an action unit whose line cannot be read would else count as absent."""
    place = picture.parent.relative_to(folder / "cohn-kanade-images")
    coded = folder / "FACS" / place / f"{picture.stem}_facs.txt"
    labelled = folder / "Emotion" / place / f"{picture.stem}_emotion.txt"
    if not coded.is_file():
        yield Rejected(file=str(coded), row=0, reason="the sequence has no FACS codes")
        return
    present: dict[int, UnitLabel] = {}
    for row, line in enumerate(coded.read_text().splitlines(), start=1):
        try:
            present |= _unit(line)
        except ValueError as error:
            yield Rejected(file=str(coded), row=row, reason=str(error))
            return
    yield attempt(labelled, 1, _labelled, folder, picture, labelled, present)


def _labelled(folder: Path, picture: Path, labelled: Path, present: dict[int, UnitLabel]) -> Sample:
    emotion = numbered(published(NAME).emotions, labelled.read_text().strip()) if labelled.is_file() else None
    return _sample(folder, picture, emotion, units.complete(present))


def _sample(folder: Path, picture: Path, emotion: Emotion | None, coded: dict[int, UnitLabel] | None = None) -> Sample:
    aus, others = units.known(coded or {})
    return Sample(
        id=f"{NAME}/{picture.stem}",
        source="CK+",
        image=picture.relative_to(folder).as_posix(),
        emotion=emotion,
        aus=aus,
        group=picture.parent.parent.name,
        details=others,
    )


def _unit(line: str) -> dict[int, UnitLabel]:
    cells = line.split()
    if not cells:
        return {}
    if len(cells) != 2:
        raise ValueError(f"{line.strip()!r} is not an action unit and its intensity")
    unit, intensity = whole(cells[0], "action unit"), whole(cells[1], "intensity")
    return {unit: units.PRESENT if intensity == 0 else units.graded(intensity)}
