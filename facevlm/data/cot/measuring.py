"""The action units of a sample's face, measured on its picture."""

from __future__ import annotations

from pathlib import Path

from facevlm.data.sample import Sample
from facevlm.errors import InputError
from facevlm.types import Face

SAME = 0.3  # intersection over union from which a face found is the one a sample's box means


def measure(sample: Sample, root: Path) -> Face:
    """The face a sample is about: the one in its box, or the largest of its picture.

    Raises:
        InputError: the picture cannot be read, or no such face is found in it.
    """
    from facevlm import faces
    from facevlm.data.pictures import open_picture

    found = faces.find(faces.decode(open_picture(sample, root)))
    box = sample.box
    if box is None:
        return _first(sorted(found, key=lambda face: -face.box.area), f"{sample.image}: no face is found")
    there = [face for face in found if face.box.iou(box) >= SAME]
    place = f"{box.width:.0f}×{box.height:.0f} at {box.x:.0f}, {box.y:.0f}"
    return _first(sorted(there, key=lambda face: -face.box.iou(box)), f"{sample.image}: no face is found in {place}")


def _first(faces: list[Face], complaint: str) -> Face:
    if not faces:
        raise InputError(f"{complaint}; give its action units, or leave the sample out")
    return faces[0]
