"""The files of an index and what is in them.

index.json says by which weights it was built and of what, entries.jsonl has a line for each face, faces.faiss their
vectors in the same order. Pictures stay where they are; none is copied.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from facevlm.errors import InputError
from facevlm.types import Box, Value

DESCRIPTION, ENTRIES, VECTORS = "index.json", "entries.jsonl", "faces.faiss"


class Entry(Value):
    """A face of the index."""

    picture: str  # relative to the folder the index was built of
    sha256: str  # of the picture
    face: int  # its number in the picture
    box: Box
    label: str | None = None
    units: tuple[float | None, ...] | None = None  # measured: left and right of each action unit in turn


class Description(Value):
    """What an index was built of, and by what."""

    facevlm: str
    matcher: str
    checkpoint: str | None
    fingerprint: str  # of the matcher's weights
    dim: int
    source: str  # the folder of the pictures
    labels: str  # where the labels were taken from
    pictures: int
    left_out: int  # faces and pictures that could not be used
    faces: int
    labelled: int
    probes: int | None  # cells searched for a face; None where every vector is compared


def described(folder: Path) -> Description:
    """What index.json says. Raises InputError where the folder is no index."""
    file = folder / DESCRIPTION
    try:
        return Description.model_validate_json(file.read_bytes())
    except OSError:
        begun = "; its building was cut short, the same command goes on" if beginning(folder).is_dir() else ""
        raise InputError(f"{folder}: no index of faces{begun or '; make one with `facevlm index build`'}") from None
    except ValidationError:
        raise InputError(f"{file}: is not that of an index of faces; build the index again") from None


def beginning(folder: Path) -> Path:
    """Where an index is built before it is whole."""
    whole = folder.resolve()
    return whole.parent / f"{whole.name}.partial"
