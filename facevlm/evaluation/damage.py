"""A picture as a condition has it: damaged by a known amount, mirrored, or the face cut out; its truth with it.

Levels: blur, the radius in pixels of a picture 256 px high; noise, standard deviation in grey levels; jpeg, the
quality; small, the height in pixels it is scaled down to; rotation, degrees anticlockwise; region, the action unit
whose place is greyed out; grey, eyes and mouth have none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from math import ceil

import numpy as np
from PIL import Image, ImageDraw

from facevlm.data.sample import UnitLabel
from facevlm.data.synth import damage
from facevlm.errors import InputError
from facevlm.evaluation.metrics import attribution
from facevlm.evaluation.rows import FaceTruth, Truth
from facevlm.evaluation.suite import Condition, Damaged
from facevlm.types import Box, Face, Side

CONTEXT = 0.25  # of the box's height around a face that is cut out
COVER = 0.06  # of the face's height around what is covered
_EYES = (33, 133, 159, 145, 263, 362, 386, 374, 55, 285, 70, 300)  # corners, lids and brows, of MediaPipe's mesh
_MOUTH = (61, 291, 0, 17, 37, 267, 84, 314)  # corners and the outer rims of the lips
_GREY = (128, 128, 128)
_OTHER: dict[Side | None, Side | None] = {"left": "right", "right": "left", "both": "both", None: None}


def changed(image: Image.Image, truth: Truth, condition: Condition, name: str) -> tuple[Image.Image, Truth]:
    """The picture and its truth under a condition; `name` seeds what is random, so that a second run draws the same.

    Raises:
        InputError: the condition needs a box that is not there, or an unknown damage.
    """
    if not condition.whole:
        image, truth = cut_out(image, truth)
    if condition.damage is not None:
        image, truth = damaged(image, truth, condition.damage, name)
    return mirrored(image, truth) if condition.mirrored else (image, truth)


def damaged(image: Image.Image, truth: Truth, how: Damaged, name: str) -> tuple[Image.Image, Truth]:
    """The picture damaged by a known amount. Raises InputError for an unknown damage."""
    if how.kind == "rotation":
        return rotated(image, truth, how.level)
    if how.kind not in DAMAGES:
        raise InputError(f"{how.kind}: no such damage; use one of {', '.join([*DAMAGES, 'rotation'])}")
    rng = np.random.default_rng(int(hashlib.sha256(name.encode()).hexdigest()[:16], 16))
    return DAMAGES[how.kind](image, how.level, rng), truth


def rotated(image: Image.Image, truth: Truth, degrees: float) -> tuple[Image.Image, Truth]:
    """The picture turned about its centre, on a canvas that holds all of it; boxes become those around turned ones."""
    turned = image.rotate(degrees, Image.Resampling.BICUBIC, expand=True)
    angle = np.radians(degrees)
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    before, after = np.array(image.size) / 2, np.array(turned.size) / 2

    def box(given: Box) -> Box:
        corners = [(x, y) for x in (given.x, given.right) for y in (given.y, given.bottom)]
        moved = (np.array(corners) - before) @ axes.T + after
        (x, y), (right, bottom) = moved.min(0), moved.max(0)
        return Box(x=x, y=y, width=right - x, height=bottom - y)

    return turned, _moved(truth, box)


def mirrored(image: Image.Image, truth: Truth) -> tuple[Image.Image, Truth]:
    """Left and right exchanged, in the picture and in what is true of it."""
    faces = (_moved_face(face, lambda box: _flipped(box, image.width)) for face in truth.faces)
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), truth.model_copy(
        update={"faces": tuple(face.model_copy(update={"units": _sides_exchanged(face.units)}) for face in faces)}
    )


def cut_out(image: Image.Image, truth: Truth) -> tuple[Image.Image, Truth]:
    """The one labelled face with a little around it. Raises InputError without exactly one box."""
    if len(truth.faces) != 1 or truth.face.box is None:
        raise InputError("only a picture with one labelled face and its box can be cut out; use another condition")
    box = truth.face.box
    around = CONTEXT * box.height
    edges = (max(box.x - around, 0), max(box.y - around, 0), box.right + around, box.bottom + around)
    left, top, right, bottom = (int(edges[0]), int(edges[1]), ceil(edges[2]), ceil(edges[3]))
    shown = image.crop((left, top, min(right, image.width), min(bottom, image.height)))
    return shown, _moved(truth, lambda each: each.model_copy(update={"x": each.x - left, "y": each.y - top}))


def covered(image: Image.Image, points: Sequence[int]) -> Image.Image:
    """The picture with a part of every face that is found in it under a grey patch."""
    from facevlm import faces

    shown = image.copy()
    for face in faces.find(faces.decode(image)):
        ImageDraw.Draw(shown).rectangle(_patch(face, points), fill=_GREY)
    return shown


def region_hidden(image: Image.Image, code: int) -> Image.Image:
    """The picture with the place where an action unit shows greyed out on every face (see `metrics.attribution`)."""
    from facevlm import faces

    pixels = np.array(image)
    for face in faces.find(faces.decode(image)):
        for region, mask in attribution.masks(attribution.places(face.landmarks), image.size[::-1]).items():
            if code in region:
                pixels[mask] = attribution.GREY
    return Image.fromarray(pixels)


def _patch(face: Face, points: Sequence[int]) -> tuple[float, float, float, float]:
    places, around = face.landmarks.xy(*points), COVER * face.box.height
    (left, top), (right, bottom) = places.min(0) - around, places.max(0) + around
    return float(left), float(top), float(right), float(bottom)


def _flipped(box: Box, width: int) -> Box:
    return box.model_copy(update={"x": width - box.right})


def _moved(truth: Truth, move: Callable[[Box], Box]) -> Truth:
    return truth.model_copy(update={"faces": tuple(_moved_face(face, move) for face in truth.faces)})


def _moved_face(face: FaceTruth, move: Callable[[Box], Box]) -> FaceTruth:
    return face if face.box is None else face.model_copy(update={"box": move(face.box)})


def _sides_exchanged(units: dict[int, UnitLabel] | None) -> dict[int, UnitLabel] | None:
    if units is None:
        return None
    return {code: label.model_copy(update={"side": _OTHER[label.side]}) for code, label in units.items()}


DAMAGES: dict[str, Callable[[Image.Image, float, np.random.Generator], Image.Image]] = {
    "blur": lambda image, level, rng: damage.blurred(image, level),
    "noise": damage.noisy,
    "jpeg": lambda image, level, rng: damage.compressed(image, int(level)),
    "small": lambda image, level, rng: damage.shrunk(image, int(level)),
    "grey": lambda image, level, rng: damage.grey(image),
    "eyes": lambda image, level, rng: covered(image, _EYES),
    "mouth": lambda image, level, rng: covered(image, _MOUTH),
    "region": lambda image, level, rng: region_hidden(image, int(level)),
}
