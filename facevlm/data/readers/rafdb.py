"""RAF-DB (Li, Deng & Du, CVPR 2017), its basic and its compound part.

EmoLabel/list_patition_label.txt (so spelled) has rows «train_00001.jpg 5»; pictures are
Image/aligned/train_00001_aligned.jpg (100 px, faces alone) or, where only those are there,
Image/original/train_00001.jpg with the face's box in Annotation/boundingbox/train_00001_boundingbox.txt as x0 y0 x1
y1. Layout and label order as published loaders have them, in agreement with each other; the archives themselves were
not at hand. A name begins with its split.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from facevlm.data.readers.reading import (
    Reading,
    attempt,
    existing,
    expected,
    missing,
    numbered,
    published,
    reading,
)
from facevlm.data.sample import Rejected, Sample
from facevlm.types import Box

_PARTS = {"rafdb": "basic", "rafdb-compound": "compound"}


def read(folder: Path, split: str = "train", *, name: str = "rafdb") -> Reading:
    """One split of a part of RAF-DB: `folder` is the part, or holds it. Raises InputError where it is not there."""
    counts = expected(name, split)
    inside = folder / _PARTS[name]
    root = inside if inside.is_dir() else folder
    labels = root / "EmoLabel" / "list_patition_label.txt"
    if not labels.is_file():
        raise missing(name, labels)
    if not (root / "Image" / "aligned").is_dir() and not (root / "Image" / "original").is_dir():
        raise missing(name, root / "Image" / "aligned")
    return reading(_rows(labels, folder, root, split, name), counts)


read_compound = partial(read, name="rafdb-compound")


def _rows(labels: Path, folder: Path, root: Path, split: str, name: str) -> Iterator[Sample | Rejected]:
    other = tuple(f"{each}_" for each in published(name).splits if each != split)
    with labels.open(encoding="utf-8", errors="replace") as lines:
        for row, line in enumerate(lines, start=1):
            if line.strip() and not line.startswith(other):
                yield attempt(labels, row, _row, line, folder, root, split, name)


def _row(line: str, folder: Path, root: Path, split: str, name: str) -> Sample:
    cells = line.split()
    if len(cells) != 2 or not cells[0].startswith(f"{split}_"):
        raise ValueError(f"{line.strip()!r} is not a picture's name and a label")
    stem, facts = Path(cells[0]).stem, published(name)
    labels = facts.emotions or facts.compounds
    label = numbered(labels, cells[1])
    image, box = _picture(root, stem, folder)
    return Sample(
        id=f"{name}/{stem}",
        source=facts.title,
        image=image,
        box=box,
        split=split,
        **{"emotion" if facts.emotions else "compound": label},
    )


def _picture(root: Path, stem: str, folder: Path) -> tuple[str, Box | None]:
    if (root / "Image" / "aligned").is_dir():
        return existing(root / "Image" / "aligned" / f"{stem}_aligned.jpg", folder), None
    image = existing(root / "Image" / "original" / f"{stem}.jpg", folder)
    file = root / "Annotation" / "boundingbox" / f"{stem}_boundingbox.txt"
    return image, _box(file) if file.is_file() else None


def _box(file: Path) -> Box:
    left, top, right, bottom = (float(edge) for edge in file.read_text().split())
    return Box(x=left, y=top, width=right - left, height=bottom - top)
