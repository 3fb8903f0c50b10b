"""What an answer rests on: each region of the face is greyed out, and how much less the label is then given is laid
over the picture as a map, to be held against where the action units are. The map of any other method will do as well.

A region is the place of one or more action units, as the facs tables give them, and is called by their numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from facevlm import facs
from facevlm.errors import InputError
from facevlm.evaluation.metrics.measure import Measure, average, together
from facevlm.types import Landmarks

Region = tuple[int, ...]  # the units that show there
Mask = NDArray[np.bool_]  # (h, w)
Heat = NDArray[np.float64]  # (h, w), 0 and more
Pixels = NDArray[np.uint8]  # (h, w, 3) RGB
Judge = Callable[[Sequence[Pixels]], Sequence[float]]  # the probability that each picture is given the label

GREY = 128
RIM = 0.06  # of the distance between the eyes, round the outermost points of a region
HALF = 0.5  # of a map's maximum, from which on it is the area that it points at
EYES = (468, 473)  # the irises


def regions() -> dict[Region, tuple[tuple[int, ...], ...]]:
    """Every region and the points it spans: one group of landmarks on the right, one on the left, either with those on
    the midline."""
    spans: dict[tuple[tuple[int, ...], ...], Region] = {}
    for unit in facs.units():
        span = tuple(tuple(sorted(unit.region[side] + unit.region["middle"])) for side in ("right", "left"))
        spans[span] = (*spans.get(span, ()), unit.code)
    return {codes: span for span, codes in spans.items()}


def masks(landmarks: Landmarks, shape: tuple[int, int]) -> dict[Region, Mask]:
    """Where each region is in a picture of (h, w)."""
    rim = max(RIM * float(np.linalg.norm(np.subtract(*landmarks.xy(*EYES)))), 1.0)
    return {codes: _mask([landmarks.xy(*side) for side in span], shape, rim) for codes, span in regions().items()}


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


def pointing(maps: Iterable[tuple[Heat, Mask]]) -> Measure:
    """«cosine» and «IoU», the means over faces with a map of heat and one of units."""
    each = np.array([(cosine(heat, units), iou(heat, units)) for heat, units in maps]).reshape(-1, 2)
    return together({"cosine": average(each[:, 0]), "IoU": average(each[:, 1])})


def _mask(sides: Iterable[NDArray[np.float32]], shape: tuple[int, int], rim: float) -> Mask:
    picture = Image.new("1", (shape[1], shape[0]))
    pen = ImageDraw.Draw(picture)
    for points in sides:
        hull = [(float(x), float(y)) for x, y in _hull(points)]
        pen.polygon(hull, fill=1)
        pen.line([*hull, hull[0]], fill=1, width=round(2 * rim), joint="curve")
    return np.asarray(picture)


def _hull(points: NDArray[np.float32]) -> NDArray[np.float32]:
    from scipy.spatial import ConvexHull

    corners: NDArray[np.float32] = points[ConvexHull(points).vertices]
    return corners


def _alike(heat: Heat, units: Mask) -> None:
    if heat.shape != units.shape:
        raise InputError(f"a map of {heat.shape} for a face of {units.shape}; resize it to the picture")
