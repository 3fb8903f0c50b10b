"""The picture of a row: the file as it is, or the face cut out, or the whole picture with the face marked."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from PIL import Image

from facevlm.data.pictures import open_picture, write_picture
from facevlm.data.sample import Sample
from facevlm.errors import InputError
from facevlm.types import Box, Face

Treatment = Literal["as-given", "crop", "marked"]

OVERLAP = 0.3  # intersection over union from which a face found is the one a sample's box is about
FOLDER = "images"


class Pictures:
    """Prepares the pictures of a conversion into OUT/images, each once: one that is there is not made again.

    Args:
        root: the folder that relative paths of samples are relative to.
        out: the conversion's folder.
        treatment: `as-given`; `crop`, the marked crop that small models are shown; `marked`, Set-of-Vision marks on
            the whole picture.
        size: side of a crop in pixels.
        archives: whether a row may name a picture in an archive; where it may not, it is written as a file.
    """

    def __init__(self, root: Path, out: Path, treatment: Treatment, size: int, *, archives: bool) -> None:
        self._root = root
        self._out = out
        self._treatment = treatment
        self._size = size
        self._archives = archives
        self._failed: dict[str, str] = {}

    def path(self, sample: Sample) -> str:
        """Where a sample's picture is: absolute as given, relative to OUT where it was written there.

        Raises:
            InputError: it is missing or cannot be read, or the face is not found in it.
        """
        if self._treatment == "as-given" and (self._archives or "#" not in sample.image):
            return self._given(sample)
        name = self._name(sample)
        if name in self._failed:
            raise InputError(self._failed[name])
        if not (self._out / name).is_file():
            try:
                self._write(self._prepared(sample), self._out / name)
            except InputError as error:
                self._failed[name] = str(error)
                raise
        return name

    def _given(self, sample: Sample) -> str:
        picture, mark, name = str((self._root / sample.image).absolute()).partition("#")
        if not Path(picture).is_file():
            raise InputError(f"{picture}: there is no such picture; check the sample's image")
        return f"{picture}{mark}{name}"

    def _name(self, sample: Sample) -> str:
        """Of what is shown and how, so that two questions about one face share a picture and two faces never do."""
        shown = ((self._root / sample.image).absolute(), sample.box, self._treatment, self._size)
        return f"{FOLDER}/{hashlib.sha256(repr(shown).encode()).hexdigest()[:20]}.png"

    def _prepared(self, sample: Sample) -> Image.Image:
        from facevlm import marks

        image = open_picture(sample, self._root)
        if self._treatment == "as-given":
            return image
        face = _face(image, sample)
        return marks.crop(image, face, self._size) if self._treatment == "crop" else marks.draw(image, [face]).image

    def _write(self, image: Image.Image, file: Path) -> None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_picture(image, file)
        except OSError as error:
            raise InputError(f"{file}: cannot be written ({error.strerror}); free space or give another OUT") from None


def _face(image: Image.Image, sample: Sample) -> Face:
    """The face a sample is about, numbered 1: the one its box is around, or the largest."""
    from facevlm import faces

    found = faces.find(faces.decode(image))
    if not found:
        raise InputError(f"{sample.image}: no face found")
    face = found[0] if sample.box is None else _nearest(found, sample.box)
    if sample.box is not None and face.box.iou(sample.box) < OVERLAP:
        raise InputError(f"{sample.image}: no face found where the sample's box is")
    return face.model_copy(update={"id": 1})


def _nearest(found: tuple[Face, ...], box: Box) -> Face:
    return max(found, key=lambda face: face.box.iou(box))
