"""Where the number of each face is put: above its box, or where else it hides neither a face nor another number.

Rectangles are rows of left, top, right, bottom in whole pixels, (n, 4) float64.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Rectangles = NDArray[np.float64]

_SLIDES = (0.0, 1.0, 0.5, 0.25, 0.75)  # along a box's edge, from its first end to its second


def place(boxes: Rectangles, sizes: Sequence[tuple[int, int]], picture: tuple[int, int]) -> Rectangles:
    """One rectangle for each box, (n, 4), of the width and height in `sizes`, inside the picture where it fits.

    Tags are placed greedily in the order of the boxes. Spots are tried above, below, left and right of the box, then
    in its corners; the first that hides nothing is taken. Where none is free, hiding another tag counts as worst,
    hiding another face as next, hiding the tag's own face as least.
    """
    tags = np.zeros_like(boxes)
    for index, size in enumerate(sizes):
        spots = _inside(np.array(list(_spots(boxes[index], size))).round(), picture)
        others = np.delete(boxes, index, axis=0)
        hidden = [_hidden(spots, tags[:index]), _hidden(spots, others), _hidden(spots, boxes[index : index + 1])]
        tags[index] = spots[np.lexsort(hidden[::-1])[0]]
    return tags


def _spots(box: NDArray[np.float64], size: tuple[int, int]) -> Iterator[tuple[float, float, float, float]]:
    left, top, right, bottom = box
    width, height = size
    columns = [left + slide * (right - width - left) for slide in _SLIDES]
    rows = [top + slide * (bottom - height - top) for slide in _SLIDES]
    corners = [(x, y) for y in (top, bottom - height) for x in (left, right - width)]
    outside = [(x, y) for y in (top - height, bottom) for x in columns]
    outside += [(x, y) for x in (left - width, right) for y in rows]
    for x, y in outside + corners:
        yield x, y, x + width, y + height


def _inside(spots: Rectangles, picture: tuple[int, int]) -> Rectangles:
    extent = np.tile(picture, 2)
    overhang = np.maximum(spots[:, 2:] - extent[2:], 0)
    moved = np.maximum(spots[:, :2] - overhang, 0)
    return np.hstack([moved, moved + spots[:, 2:] - spots[:, :2]])


def _hidden(spots: Rectangles, things: Rectangles) -> NDArray[np.float64]:
    """The area each spot shares with all the things, (spots,)."""
    low = np.maximum(spots[:, None, :2], things[None, :, :2])
    high = np.minimum(spots[:, None, 2:], things[None, :, 2:])
    areas: NDArray[np.float64] = np.maximum(high - low, 0).prod(axis=2).sum(axis=1)
    return areas
