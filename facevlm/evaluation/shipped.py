"""Pictures that need no data set, made from the one photograph that ships with scikit-image: NASA's portrait of Eileen
Collins, public domain.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from PIL import Image

from facevlm.config import demo_picture
from facevlm.errors import InputError
from facevlm.evaluation.rows import FaceTruth, Truth
from facevlm.types import Box

FACE = Box(x=165, y=50, width=120, height=120)  # in the portrait, 512 px wide and high
_MOST = 12  # faces on a sheet
_CELL, _COLUMNS = 320, 4
_SIZES = (200, 240, 280, 310)  # of the portraits on a sheet, in pixels


class Shipped(NamedTuple):
    """One picture and what is true of it."""

    id: str
    image: Image.Image
    truth: Truth


def pictures(name: str) -> Iterator[Shipped]:
    """The pictures of a set. Raises InputError where there is no such set."""
    if name == "portrait":
        yield Shipped("portrait", portrait(), Truth(faces=(FaceTruth(box=FACE, emotion="happiness"),), count=1))
    elif name == "sheets":
        yield from (sheet(count, variant) for count in range(_MOST + 1) for variant in range(2))
    else:
        raise InputError(f"{name}: no pictures of this name ship; use portrait or sheets")


def sheet(count: int, variant: int) -> Shipped:
    """A sheet with so many copies of the portrait, of several sizes, each in its own cell."""
    rows = max(-(-count // _COLUMNS), 1)
    page = Image.new("RGB", (_COLUMNS * _CELL, rows * _CELL), (90, 100, 110))
    faces = tuple(_pasted(page, place, _SIZES[(place * 3 + variant) % len(_SIZES)]) for place in range(count))
    return Shipped(f"sheet-{count:02}-{variant}", page, Truth(faces=faces, count=count))


def _pasted(page: Image.Image, place: int, size: int) -> FaceTruth:
    left, top = place % _COLUMNS * _CELL, place // _COLUMNS * _CELL
    page.paste(portrait().resize((size, size), Image.Resampling.LANCZOS), (left, top))
    scale = size / portrait().width
    return FaceTruth(
        box=Box(x=left + FACE.x * scale, y=top + FACE.y * scale, width=FACE.width * scale, height=FACE.height * scale)
    )


@lru_cache(maxsize=1)
def portrait() -> Image.Image:
    """The photograph, 512 × 512 RGB. Raises PrerequisiteError where scikit-image is not installed whole."""
    return Image.open(demo_picture()).convert("RGB")
