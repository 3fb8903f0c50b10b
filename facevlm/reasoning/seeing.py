"""The part of the chain that needs no model: a photograph, its faces, and what of them a model is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image

from facevlm import faces, marks
from facevlm.config import Settings
from facevlm.faces.decode import Source
from facevlm.marks.crop import crop
from facevlm.prompting import Example
from facevlm.types import Face, ImageInfo, MarkedImage, Picture


@dataclass(frozen=True)
class Found:
    """A photograph and its numbered faces."""

    picture: Picture
    faces: tuple[Face, ...]


@dataclass(frozen=True)
class Seen:
    """What models are shown of a photograph: the whole of it, marked, or a marked crop of each face."""

    image: ImageInfo
    marked: MarkedImage
    crops: tuple[Image.Image, ...]  # of the faces in their order; none for a model that asks by scene
    examples: tuple[Example, ...] = ()  # labelled faces of other pictures


def find(source: Source, settings: Settings | None = None) -> Found:
    """The faces of a photograph. Raises InputError where it cannot be read."""
    picture = faces.decode(source, settings)
    return Found(picture, marks.number(faces.find(picture)))


def mark(found: Found, variant: str, crop_size: int | None) -> Seen:
    """Draws the marks; also on crops of `crop_size` pixels a side, for a model that asks by face."""
    picture = found.picture
    small = () if crop_size is None else (crop(picture.image, face, crop_size, variant) for face in found.faces)
    info = ImageInfo(
        source=picture.source,
        width=picture.width,
        height=picture.height,
        sha256=picture.sha256,
        notes=picture.notes,
    )
    return Seen(info, marks.draw(picture.image, found.faces, variant), tuple(small))


def beside(seen: Seen, examples: Sequence[Example]) -> Seen:
    """The photograph with the examples shown before it, which its notes then tell."""
    told = ", ".join(f"{example.label} ({example.source})" for example in examples)
    notes = (*seen.image.notes, f"shown as examples: {told}")
    return replace(seen, image=seen.image.model_copy(update={"notes": notes}), examples=tuple(examples))
