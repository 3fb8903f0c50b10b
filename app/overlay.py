"""The photograph as the page shows it: marks, where action units show, and the observation that was chosen."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from facevlm import facs, marks
from facevlm.agent.evidence import present
from facevlm.marks.draw import colour
from facevlm.types import Box, Face, Landmarks, Side

PICTURE_SIDE = 800  # pixels of the longer side as sent to the browser
FACE_SIDE = 360
MARGIN = 0.25  # of a face's box, around its own picture
_FAINT, _STRONG, _DIMMED = 70, 120, 0.62  # opacities of 255, and what is left of the light outside the chosen region

Polygon = list[tuple[float, float]]  # corners, pixels


@dataclass(frozen=True)
class Spot:
    """One observation on one face: what is lit when it is chosen."""

    face: int
    au: int
    side: Side = "both"


@dataclass(frozen=True)
class Look:
    """What is drawn: marks as in `facevlm.marks`, the regions of all action units that measure as present, one spot."""

    marks: str = "landmarks"
    regions: bool = False
    chosen: Spot | None = None


def picture(image: Image.Image, faces: Sequence[Face], look: Look) -> Image.Image:
    """The whole photograph, at most PICTURE_SIDE pixels a side, with what the look asks for; a small one is doubled."""
    longest = min(PICTURE_SIDE, 2 * max(image.size))
    return _drawn(image, faces, look, Box(x=0, y=0, width=image.width, height=image.height), longest)


def portrait(image: Image.Image, face: Face, look: Look) -> Image.Image:
    """One face with a margin, FACE_SIDE pixels on its longer side: a spot is seen on small faces too."""
    across, down = MARGIN * face.box.width, MARGIN * face.box.height
    left, top = max(face.box.x - across, 0), max(face.box.y - down, 0)
    right, bottom = min(face.box.right + across, image.width), min(face.box.bottom + down, image.height)
    window = Box(x=left, y=top, width=max(right - left, 1), height=max(bottom - top, 1))
    return _drawn(image, [face], Look("plain", look.regions, look.chosen), window, FACE_SIDE)


def alt(faces: Sequence[Face], look: Look) -> str:
    """The picture in words, for those who do not see it."""
    count = len(faces)
    told = {0: "no face found", 1: "one face found"}.get(count, f"{count} faces found, numbered from the largest")
    chosen = look.chosen
    if chosen is None:
        return f"The photograph: {told}."
    side = "" if chosen.side == "both" else f", {chosen.side} side"
    return f"The photograph: {told}. Lit on face {chosen.face}: AU{chosen.au} {facs.unit(chosen.au).name}{side}."


def data_url(image: Image.Image) -> str:
    """The picture as a JPEG inside a URL."""
    data = io.BytesIO()
    image.save(data, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode('ascii')}"


def region(face: Face, au: int, side: Side = "both") -> list[Polygon]:
    """Where an action unit shows on a face: one convex outline a side, each with the points of the midline."""
    points = facs.unit(au).region
    sides = [(*points[each], *points["middle"]) for each in ("left", "right") if side in ("both", each)]
    return [face.landmarks.outline(*one) for one in sides if len(one) > 2]


def _drawn(image: Image.Image, faces: Sequence[Face], look: Look, window: Box, longest: int) -> Image.Image:
    scale = longest / max(window.width, window.height)
    size = max(round(window.width * scale), 1), max(round(window.height * scale), 1)
    small = image.resize(size, Image.Resampling.LANCZOS, (window.x, window.y, window.right, window.bottom))
    moved = [_moved(face, window, scale) for face in faces]
    spots = {face.id: face for face in moved}
    if look.regions:
        for face in moved:
            there = [code for code in face.action_units if present(face, code)]
            small = _lit(small, face, [each for code in there for each in region(face, code)], _FAINT)
    if look.chosen and look.chosen.face in spots:
        face = spots[look.chosen.face]
        outlines = region(face, look.chosen.au, look.chosen.side)
        small = _lit(_dimmed(small, outlines), face, outlines, _STRONG, outlined=True)
    return marks.draw(small, moved, look.marks).image


def _moved(face: Face, window: Box, scale: float) -> Face:
    """The face in pixels of the small picture."""
    box = face.box
    points = (face.landmarks.points - np.array([window.x, window.y, 0], np.float32)) * np.float32(scale)
    return face.model_copy(
        update={
            "box": Box(
                x=(box.x - window.x) * scale,
                y=(box.y - window.y) * scale,
                width=box.width * scale,
                height=box.height * scale,
            ),
            "landmarks": Landmarks(points=points),
        }
    )


def _lit(
    image: Image.Image, face: Face, outlines: Sequence[Polygon], opacity: int, *, outlined: bool = False
) -> Image.Image:
    veil = Image.new("RGB", image.size, colour(face))
    lit = Image.composite(veil, image, _mask(image.size, outlines).point(lambda share: share * opacity // 255))
    if outlined:
        pen = ImageDraw.Draw(lit)
        for outline in outlines:
            pen.line([*outline, outline[0]], fill=(255, 255, 255), width=max(2, image.width // 300), joint="curve")
    return lit


def _dimmed(image: Image.Image, outlines: Sequence[Polygon]) -> Image.Image:
    return Image.composite(image, image.point(lambda light: int(light * _DIMMED)), _mask(image.size, outlines))


def _mask(size: tuple[int, int], outlines: Sequence[Polygon]) -> Image.Image:
    mask = Image.new("L", size)
    pen = ImageDraw.Draw(mask)
    for outline in outlines:
        pen.polygon(outline, fill=255)
    return mask.filter(ImageFilter.GaussianBlur(max(size) / 400))
