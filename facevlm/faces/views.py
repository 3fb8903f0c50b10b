"""What the detector is shown of a picture: all of it, a tile, or all of it turned or with room around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil, cos, pi, sin

import numpy as np
from PIL import Image

from facevlm.faces.mesh import RGB, Region

SIDE = 192  # pixels the full-range detector looks at; shrunk here because it would shrink without smoothing
_OVERLAP = 0.2  # of a tile's side: room for any face the pass before may have missed
_ROOM = 0.5  # of the picture's longer side, all round


@dataclass(frozen=True)
class View:
    """Pixels for the detector, and where they lie: their centre in the picture, and their scale and turn in it."""

    pixels: RGB
    x: float
    y: float
    scale: float  # pixels of the picture to one of the view
    quarters: int = 0  # quarter turns, counter-clockwise, from the picture to the view

    def turned(self, quarters: int) -> View:
        """The same after quarter turns counter-clockwise."""
        return replace(self, pixels=np.ascontiguousarray(np.rot90(self.pixels, quarters)), quarters=quarters)

    def in_picture(self, region: Region) -> Region:
        """A region of the view as one of the picture."""
        angle = self.quarters * pi / 2
        height, width = self.pixels.shape[:2]
        u, v = (region.x - width / 2) * self.scale, (region.y - height / 2) * self.scale
        x, y = self.x + u * cos(angle) - v * sin(angle), self.y + u * sin(angle) + v * cos(angle)
        return Region(x, y, region.side * self.scale, region.rotation + angle)


def whole(image: Image.Image) -> View:
    """All of a picture."""
    return _view(image, (0, 0, image.width, image.height))


def padded(view: View) -> View:
    """The same with black around it, for faces larger than the frame."""
    room = round(_ROOM * max(view.pixels.shape))
    return replace(view, pixels=np.pad(view.pixels, ((room, room), (room, room), (0, 0))))


def tiles(image: Image.Image, side: float) -> Iterator[View]:
    """Overlapping squares that cover the picture; where it is narrower than `side`, so are they."""
    width, height = min(side, image.width), min(side, image.height)
    for top in _starts(image.height, height):
        for left in _starts(image.width, width):
            yield _view(image, (left, top, left + width, top + height))


def _starts(length: int, side: float) -> list[float]:
    count = 1 + ceil((length - side) / (side * (1 - _OVERLAP)))
    return list(np.linspace(0, length - side, count))


def _view(image: Image.Image, box: tuple[float, float, float, float]) -> View:
    left, top, right, bottom = box
    scale = max(right - left, bottom - top) / SIDE
    size = (max(1, round((right - left) / scale)), max(1, round((bottom - top) / scale)))
    # The reducing gap lets whole factors be averaged first: half the time, and as many faces found.
    shown = image.resize(size, Image.Resampling.BILINEAR, box=box, reducing_gap=1.0)
    return View(np.asarray(shown), (left + right) / 2, (top + bottom) / 2, scale)
