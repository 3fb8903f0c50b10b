"""What an answer rests on: each region of the face is greyed out, and how much less the label is then given is laid
over the picture as a map, to be held against where the action units are. The map of any other method will do as well.

A region is the place of one or more action units, as the facs tables give them, and is called by their numbers. Its
outlines are kept beside an answer, so that maps can be drawn again without the picture and without the model.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from facevlm import facs
from facevlm.errors import InputError
from facevlm.evaluation.metrics.measure import Measure, average, together
from facevlm.types import Landmarks, Value

Region = tuple[int, ...]  # the units that show there
Outline = tuple[tuple[float, float], ...]  # corners, x and y in pixels of the picture
Mask = NDArray[np.bool_]  # (h, w)
Heat = NDArray[np.float64]  # (h, w), 0 and more
Pixels = NDArray[np.uint8]  # (h, w, 3) RGB
Judge = Callable[[Sequence[Pixels]], Sequence[float]]  # the probability that each picture is given the label

GREY = 128
RIM = 0.06  # of the distance between the eyes, round the outermost points of a region
HALF = 0.5  # of a map's maximum, from which on it is the area that it points at
EYES = (468, 473)  # the irises


class Place(Value):
    """A region of one face: an outline on the right and one on the left."""

    region: Region
    outlines: tuple[Outline, ...]


class Places(Value):
    """Every region of one face, in pixels of the picture; `rim` is drawn round each outline."""

    rim: float
    of: tuple[Place, ...]


def regions() -> dict[Region, tuple[tuple[int, ...], ...]]:
    """Every region and the points it spans: one group of landmarks on the right, one on the left, either with those on
    the midline."""
    spans: dict[tuple[tuple[int, ...], ...], Region] = {}
    for unit in facs.units():
        span = tuple(tuple(sorted(unit.region[side] + unit.region["middle"])) for side in ("right", "left"))
        spans[span] = (*spans.get(span, ()), unit.code)
    return {codes: span for span, codes in spans.items()}


def places(landmarks: Landmarks) -> Places:
    """Where each region is on a face: the convex hulls of its landmarks."""
    rim = max(RIM * float(np.linalg.norm(np.subtract(*landmarks.xy(*EYES)))), 1.0)
    of = (
        Place(region=codes, outlines=tuple(_rounded(landmarks.outline(*side)) for side in span))
        for codes, span in regions().items()
    )
    return Places(rim=round(rim, 1), of=tuple(of))


def masks(
    where: Places, shape: tuple[int, int], corner: tuple[float, float] = (0.0, 0.0), scale: float = 1.0
) -> dict[Region, Mask]:
    """The regions as masks of (h, w): of a part of the picture that begins at `corner` (x, y), scaled."""
    return {each.region: _mask(each.outlines, where.rim, shape, corner, scale) for each in where.of}


def frame(where: Places, side: int) -> tuple[tuple[int, int], tuple[float, float], float]:
    """The shape, the corner and the scale with which `masks` shows all regions, `side` pixels along the longer side."""
    corners = np.array([point for each in where.of for outline in each.outlines for point in outline])
    low, high = corners.min(0) - where.rim, corners.max(0) + where.rim
    scale = side / float((high - low).max())
    width, height = (max(round(float(each)), 1) for each in (high - low) * scale)
    return (height, width), (float(low[0]), float(low[1])), scale


def occlusion(judge: Judge, pixels: Pixels, where: Mapping[Region, Mask]) -> dict[Region, float]:
    """How much less probable the label is once each region is greyed out (Zeiler & Fergus, ECCV 2014); the region with
    the most moves it most. All pictures are judged in one call, the untouched one first."""
    greyed = [np.where(mask[..., None], np.uint8(GREY), pixels) for mask in where.values()]
    whole, *without = judge([pixels, *greyed])
    return {region: float(whole - each) for region, each in zip(where, without, strict=True)}


def heat(drops: Mapping[Region, float], where: Mapping[Region, Mask]) -> Heat:
    """The map of an occlusion: at each pixel the mean of what its regions cost, 0 where greying them helped or where
    there is none."""
    stacked = np.stack([where[region] for region in drops])
    cost = np.maximum(list(drops.values()), 0)[:, None, None]
    mean: Heat = (stacked * cost).sum(0) / np.maximum(stacked.sum(0), 1)
    return mean


def unit_map(codes: Collection[int], where: Mapping[Region, Mask]) -> Mask:
    """Where the given action units show. Raises InputError where none of them is known."""
    chosen = [mask for region, mask in where.items() if set(region) & set(codes)]
    if not chosen:
        raise InputError("no action unit has no place on a face; leave out faces, like neutral ones, that show none")
    where_any: Mask = np.logical_or.reduce(chosen)
    return where_any


def cosine(heat: Heat, units: Mask) -> float:
    """The cosine of two maps as vectors (Belharbi et al., FG 2024, arXiv 2402.00281): 1 for the same map, 0 for maps
    that do not meet; nan where the heat is nowhere."""
    _alike(heat, units)
    norm = float(np.linalg.norm(heat) * np.linalg.norm(units))
    return float((heat * units).sum()) / norm if norm else np.nan


def iou(heat: Heat, units: Mask, level: float = HALF) -> float:
    """Intersection by union of a map's hot area, from `level` of its maximum, and where the units are (after
    arXiv 2401.11835); nan where the heat is nowhere."""
    _alike(heat, units)
    hot = heat >= level * heat.max()
    return float((hot & units).sum() / (hot | units).sum()) if heat.max() > 0 else np.nan


def pointing(maps: Iterable[tuple[Heat, Mask] | None]) -> Measure:
    """«cosine» and «IoU», the means over faces with a map of heat and one of units; None is a face without them."""
    each = np.array([(cosine(*both), iou(*both)) if both else (np.nan, np.nan) for both in maps]).reshape(-1, 2)
    return together({"cosine": average(each[:, 0]), "IoU": average(each[:, 1])})


def _mask(
    outlines: Iterable[Outline], rim: float, shape: tuple[int, int], corner: tuple[float, float], scale: float
) -> Mask:
    picture = Image.new("1", (shape[1], shape[0]))
    pen = ImageDraw.Draw(picture)
    for outline in outlines:
        hull = [((x - corner[0]) * scale, (y - corner[1]) * scale) for x, y in outline]
        pen.polygon(hull, fill=1)
        pen.line([*hull, hull[0]], fill=1, width=max(round(2 * rim * scale), 1), joint="curve")
    return np.asarray(picture)


def _rounded(outline: Iterable[tuple[float, float]]) -> Outline:
    return tuple((round(x, 1), round(y, 1)) for x, y in outline)


def _alike(heat: Heat, units: Mask) -> None:
    if heat.shape != units.shape:
        raise InputError(f"a map of {heat.shape} for a face of {units.shape}; resize it to the picture")
