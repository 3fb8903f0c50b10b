"""Where the pictures of an index come from: a folder, with labels by folder or by a file of samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from facevlm.cli.ending import say
from facevlm.errors import InputError

if TYPE_CHECKING:
    from facevlm.faces.decode import Source
    from facevlm.matching.index import Given

FOLDER, NONE = "folder", "none"


def given(source: Path, labels: str) -> list[Given]:
    """The pictures of `source`, labelled by the folder each lies in, by a file of samples, or not at all.

    Raises:
        InputError: there is no such folder or file, or no picture in it.
    """
    if not source.is_dir():
        raise InputError(f"{source}: there is no such folder; give one with pictures")
    found = list(_in_folder(source, labels == FOLDER) if labels in (FOLDER, NONE) else _in_samples(Path(labels)))
    if not found:
        raise InputError(f"{source if labels in (FOLDER, NONE) else labels}: no pictures here; give others")
    return found


def opener(source: Path) -> Callable[[str], Source]:
    """What opens a picture by its name: a file of the folder, or one in an archive (`archive.npz#name`)."""
    from facevlm.data.pictures import open_picture
    from facevlm.data.sample import Sample

    def opened(name: str) -> Source:
        in_archive = ".npz#" in name
        return open_picture(Sample(id=name, source="", image=name), source) if in_archive else source / name

    return opened


def _in_folder(source: Path, labelled: bool) -> Iterator[Given]:
    from facevlm.faces.decode import SUFFIXES
    from facevlm.matching.index import Given

    for picture in sorted(source.rglob("*")):
        if picture.suffix.lower() in SUFFIXES and picture.is_file():
            label = picture.parent.name if labelled and picture.parent != source else None
            yield Given(picture.relative_to(source).as_posix(), label)


def _in_samples(file: Path) -> Iterator[Given]:
    from facevlm.data.sample import read_samples
    from facevlm.matching.index import Given

    samples, rejected = read_samples(file)
    for row in rejected:
        say(row)
    for sample in samples:
        yield Given(sample.image, sample.emotion or sample.compound, sample.box)
