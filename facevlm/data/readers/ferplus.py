"""FER+ (Barsoum et al., ICMI 2016): faces of FER2013, 48 px and grey, each labelled by ten people.

Two layouts. The official folders FER2013Train, FER2013Valid and FER2013Test, each with its pictures and a label.csv
whose rows are name, box, and votes for neutral, happiness, surprise, sadness, anger, disgust, fear, contempt, unknown
and not-a-face (microsoft/FERPlus, README and src/ferplus.py). And the archives `train-*.npz` and `valid.npz` of
`facevlm.data.ferplus`. The label is the emotion with more than half of all votes; the official «majority» first drops
single votes, so it labels a few more. The box is that of the whole picture and is not kept.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from facevlm.data.readers.reading import Reading, attempt, existing, expected, missing, reading, whole
from facevlm.data.sample import Rejected, Sample
from facevlm.types import EMOTIONS, Emotion

NAME = "ferplus"
_FOLDERS = {"train": "FER2013Train", "valid": "FER2013Valid", "test": "FER2013Test"}
_COLUMNS = 12


def read(folder: Path, split: str = "train") -> Reading:
    """One split of FER+. Raises InputError where it is not in `folder`."""
    counts = expected(NAME, split)
    pictures = folder / _FOLDERS[split]
    archives = sorted(folder.glob("train-*.npz" if split == "train" else f"{split}.npz"))
    if (pictures / "label.csv").is_file():
        return reading(_official(folder, pictures, split), counts)
    if not archives:
        raise missing(NAME, pictures / "label.csv")
    return reading((row for archive in archives for row in _archived(archive, split)), counts)


def _official(root: Path, pictures: Path, split: str) -> Iterator[Sample | Rejected]:
    file = pictures / "label.csv"
    with file.open(newline="", encoding="utf-8", errors="replace") as lines:
        for row, cells in enumerate(csv.reader(lines), start=1):
            yield attempt(file, row, _row, cells, root, pictures, split)


def _row(cells: list[str], root: Path, pictures: Path, split: str) -> Sample:
    if len(cells) != _COLUMNS:
        raise ValueError(f"{len(cells)} columns, not {_COLUMNS}")
    name, _, *votes = cells
    image = existing(pictures / name, root) if name else ""
    if not image:
        raise ValueError("no picture is named")  # as for the faces the authors of FER+ removed
    return _sample(name, image, [whole(vote, "vote") for vote in votes], split)


def _archived(archive: Path, split: str) -> Iterator[Sample | Rejected]:
    import numpy as np

    with np.load(archive) as arrays:
        lacking = {"name", "votes"} - set(arrays)
        if lacking:
            yield Rejected(file=str(archive), row=0, reason=f"lacks the array {', '.join(sorted(lacking))}")
            return
        names, votes = arrays["name"], arrays["votes"].astype(int)
    for row, (name, cast) in enumerate(zip(names, votes.tolist(), strict=True), start=1):
        yield attempt(archive, row, _sample, str(name), f"{archive.name}#{name}", cast, split)


def _sample(name: str, image: str, votes: Sequence[int], split: str) -> Sample:
    counts = dict(zip(EMOTIONS, votes, strict=False))
    total = sum(counts.values())
    return Sample(
        id=f"{NAME}/{Path(name).stem}",
        source="FER+",
        image=image,
        split=split,
        emotion=_majority(counts, sum(votes)),
        distribution={emotion: count / total for emotion, count in counts.items() if count} if total else None,
        details={"unknown": votes[8], "not_a_face": votes[9]},
    )


def _majority(counts: dict[Emotion, int], votes: int) -> Emotion | None:
    top = max(counts, key=lambda emotion: counts[emotion])
    return top if 2 * counts[top] > votes else None
