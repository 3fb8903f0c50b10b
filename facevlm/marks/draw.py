"""Set-of-Vision marks (arXiv 2410.02244): a box, a number and five points on every face of an uncropped picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Literal, get_args

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from facevlm.errors import InputError
from facevlm.marks.tags import Rectangles, place
from facevlm.types import Face, MarkedImage

Variant = Literal["plain", "box", "number", "landmarks"]
VARIANTS: tuple[Variant, ...] = get_args(Variant)

Colour = tuple[int, int, int]

# Okabe & Ito's palette, which people with any colour vision can tell apart, without its black.
PALETTE: tuple[Colour, ...] = (
    (86, 180, 233),
    (240, 228, 66),
    (213, 94, 0),
    (0, 158, 115),
    (204, 121, 167),
    (230, 159, 0),
    (0, 114, 178),
)

# The person's right and left eye, the tip of the nose, the right and left corner of the mouth.
FIVE_POINTS = (468, 473, 1, 61, 291)


def check(variant: str) -> None:
    """Raises InputError where these marks do not exist."""
    if variant not in VARIANTS:
        raise InputError(f"marks {variant!r} do not exist; use one of {', '.join(VARIANTS)}")


def draw(image: Image.Image, faces: Sequence[Face], variant: str = "landmarks") -> MarkedImage:
    """A copy of an RGB picture with the numbered faces marked; the picture itself is left as it is.

    `plain` draws nothing, `box` outlines, `number` adds the tags, `landmarks` adds the five points. Equal input gives
    equal pixels. Raises InputError for another variant.
    """
    check(variant)
    marked = image.copy()
    if faces and variant != "plain":
        _mark(marked, faces, variant)
    return MarkedImage(image=marked, faces=tuple(faces), variant=variant)


def colour(face: Face) -> Colour:
    """The colour in which a numbered face is marked."""
    return PALETTE[(face.id - 1) % len(PALETTE)]


def _line_width(picture: tuple[int, int]) -> int:
    """Thickness of an outline in pixels: 0.2 % of the longer side, two pixels at least."""
    return max(2, round(0.002 * max(picture)))


def _mark(image: Image.Image, faces: Sequence[Face], variant: str) -> None:
    pen = ImageDraw.Draw(image)
    width = _line_width(image.size)
    outlines = np.array([_outline(face, width, image.size) for face in faces], dtype=np.float64)
    for face, outline in zip(faces, outlines, strict=True):
        pen.rectangle(tuple(outline - (0, 0, 1, 1)), outline=colour(face), width=width)
    if variant == "landmarks":
        for face in faces:
            _draw_points(pen, face, width)
    if variant != "box":
        _draw_tags(pen, faces, outlines, image.size)


def _outline(face: Face, width: int, picture: tuple[int, int]) -> tuple[int, int, int, int]:
    """The outer edge of a face's outline; the line lies around the box, so that it hides nothing of a small face."""
    box = face.box
    edges = (round(box.x) - width, round(box.y) - width, round(box.right) + width, round(box.bottom) + width)
    across, down = (tuple(np.clip(edges[axis::2], 0, picture[axis])) for axis in (0, 1))
    return across[0], down[0], max(across[1], across[0] + 1), max(down[1], down[0] + 1)


def _draw_points(pen: ImageDraw.ImageDraw, face: Face, width: int) -> None:
    radius = min(round(face.box.width / 60), 2 * width)
    rim = None if radius < 2 else _contrasting(colour(face))
    for x, y in face.landmarks.xy(*FIVE_POINTS).round():
        disc = (x - radius, y - radius, x + radius, y + radius)
        pen.ellipse(disc, fill=colour(face), outline=rim, width=max(1, radius // 4))


def _draw_tags(pen: ImageDraw.ImageDraw, faces: Sequence[Face], outlines: Rectangles, picture: tuple[int, int]) -> None:
    font = _font(_font_size(picture))
    sizes = [_tag_size(str(face.id), font) for face in faces]
    for face, tag in zip(faces, place(outlines, sizes, picture), strict=True):
        left, top, right, bottom = tag.tolist()
        pen.rectangle((left, top, right - 1, bottom - 1), fill=colour(face))
        ink = font.getbbox(str(face.id))
        x, y = (left + right - ink[0] - ink[2]) / 2, (top + bottom - ink[1] - ink[3]) / 2
        pen.text((round(x), round(y)), str(face.id), fill=_contrasting(colour(face)), font=font)


def _tag_size(text: str, font: ImageFont.FreeTypeFont) -> tuple[int, int]:
    left, top, right, bottom = font.getbbox(text)
    padding = max(2, round(font.size / 4))
    height = round(bottom - top) + 2 * padding
    return max(round(right - left) + 2 * padding, height), height


def _font_size(picture: tuple[int, int]) -> int:
    """2 % of the longer side, as in the paper's pictures; 11 pixels from 200 on, where digits begin to be legible."""
    longer = max(picture)
    return round(max(0.02 * longer, min(11, max(8, 0.055 * longer))))


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)  # inside Pillow's wheels: pixels do not depend on the machine's fonts
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


def _contrasting(background: Colour) -> Colour:
    """Black or white, whichever stands out from the background (relative luminance, ITU-R BT.709)."""
    luminance = np.dot(background, (0.2126, 0.7152, 0.0722))
    return (0, 0, 0) if luminance > 110 else (255, 255, 255)
