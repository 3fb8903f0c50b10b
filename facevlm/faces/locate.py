"""Where the faces of a photograph are: one pass first, more only where the picture warrants them.

Candidates come from MediaPipe's detectors; each is settled by the face mesh's presence score. Boxes are the extent of
the mesh, so that they mean the same however a face was found.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from facevlm.faces.mesh import RGB, ROI_SCALE, FaceMesh, Points, Region, shared_mesh
from facevlm.faces.views import View, padded, tiles, whole
from facevlm.types import Box

MIN_PRESENCE = 0.99  # of a face in a photograph; the score saturates: faces have 0.999 and more
BARE_PRESENCE = 0.5  # of a bare crop, which is given as a face
BARE = 128  # a picture whose longer side is no larger may be a face and nothing else
SEEN = 0.08  # of the longer side of what the detector is shown: nearly every face of this height is found
SURE = 0.7  # detector's score asked of a face the first pass did not see
DEPTH = 2.0  # how much taller the nearest face of a photograph may be than the farthest that matters
TILE = 0.6  # of the side of the pass before
SMALLEST = 24  # pixels; below, a face is not looked for: nothing could be measured on it
CLOSE_UP_SIDE = 384  # pixels of a region the mesh is given at least; it looks at 192
SAME = 0.5  # of the smaller box: two that share more are one face
_BARE_PAD = 0.25
_BARE_SIDE = 288  # pixels a bare crop is enlarged to, its padding included
# Share of the picture's side and tilt in radians, tried where the detector finds nothing; the tilted ones are profiles.
_BARE_REGIONS = ((1.1, 0.0), (1.3, 0.0), (1.0, 0.0), (1.3, -0.5), (1.3, 0.5), (1.6, -0.5), (1.6, 0.5))


@dataclass(frozen=True)
class Located:
    """A face's mesh, (478, 3) float32 in pixels of the picture, and how surely it is a face, 0–1."""

    points: Points
    presence: float

    @property
    def box(self) -> Box:
        (x, y), (right, bottom) = self.points[:, :2].min(0).tolist(), self.points[:, :2].max(0).tolist()
        return Box(x=round(x, 1), y=round(y, 1), width=round(right - x, 1), height=round(bottom - y, 1))


def locate(image: Image.Image) -> list[Located]:
    """Every face found in an upright RGB picture, largest first."""
    mesh = shared_mesh()
    found = _bare(mesh, image) if max(image.size) <= BARE else _photograph(mesh, image)
    return sorted(_distinct(found), key=lambda each: -each.box.area)


def _photograph(mesh: FaceMesh, image: Image.Image) -> list[Located]:
    """One pass; then ever smaller tiles, for as long as what was found lets smaller faces be expected."""
    found = _with_new([], mesh, image, _regions(mesh, whole(image))) or _last_resorts(mesh, image)
    side = float(max(image.size))
    while _smaller_faces_expected(found, side) and side * TILE * SEEN >= SMALLEST:
        side *= TILE
        regions = (region for view in tiles(image, side) for region in _regions(mesh, view))
        more = _with_new(found, mesh, image, regions)
        if found and len(more) == len(found):
            break
        found = more
    return found


def _smaller_faces_expected(found: list[Located], side: float) -> bool:
    """Whether a face of this picture may be too small for a pass over `side` pixels, going by those it has shown."""
    return min((each.box.height for each in found), default=0) / DEPTH < SEEN * side


def _last_resorts(mesh: FaceMesh, image: Image.Image) -> list[Located]:
    """Of a picture that seemed empty: faces that fill or overflow its frame, or lie on their side or upside down.

    The detectors fire at a face turned any way, surest when it is upright: the surest view is taken first.
    """
    view = whole(image)
    tries = [(view, True), (padded(view), True), *((view.turned(quarters), False) for quarters in (1, 2, 3))]
    seen = [
        (shown, [each for each in mesh.detect(shown.pixels, near=near) if each.score >= SURE]) for shown, near in tries
    ]
    for shown, detections in sorted(seen, key=lambda one: -max((each.score for each in one[1]), default=0)):
        regions = (shown.in_picture(Region.of_detection(each)) for each in detections)
        if found := _with_new([], mesh, image, regions):
            return found
    return []


def _regions(mesh: FaceMesh, view: View) -> list[Region]:
    return [view.in_picture(Region.of_detection(each)) for each in mesh.detect(view.pixels)]


def _with_new(known: list[Located], mesh: FaceMesh, image: Image.Image, regions: Iterable[Region]) -> list[Located]:
    """The faces known already, and those settled in the regions that are about none of them."""
    found = list(known)
    for region in regions:
        if not any(_about(region, each) for each in found) and (face := _close_up(mesh, image, region)):
            found.append(face)
    return found


def _bare(mesh: FaceMesh, image: Image.Image) -> list[Located]:
    """Faces of a small picture, padded with black and enlarged first: the detectors want a face with room around it."""
    pad = round(_BARE_PAD * max(image.size))
    canvas = Image.new("RGB", (image.width + 2 * pad, image.height + 2 * pad))
    canvas.paste(image, (pad, pad))
    scale = _BARE_SIDE / max(canvas.size)
    enlarged = canvas.resize((round(canvas.width * scale), round(canvas.height * scale)), Image.Resampling.BICUBIC)
    pixels = np.asarray(enlarged)
    regions = [Region.of_detection(each) for each in mesh.detect(pixels, near=True)]
    found = [each for each in (_settle(mesh, pixels, region, BARE_PRESENCE) for region in regions) if each]
    found = found or _first(_settle(mesh, pixels, region, BARE_PRESENCE) for region in _whole(image, pad, scale))
    return [_moved(each, scale, pad) for each in found]


def _whole(image: Image.Image, pad: int, scale: float) -> Iterable[Region]:
    x, y = (pad + image.width / 2) * scale, (pad + image.height / 2) * scale
    return (Region(x, y, share * max(image.size) * scale, tilt) for share, tilt in _BARE_REGIONS)


def _first(candidates: Iterable[Located | None]) -> list[Located]:
    return next(([each] for each in candidates if each), [])


def _moved(found: Located, scale: float, pad: int) -> Located:
    shift = np.array([pad, pad, 0], np.float32)
    return Located((found.points / scale - shift).astype(np.float32), found.presence)


def _settle(mesh: FaceMesh, pixels: RGB, region: Region, least: float) -> Located | None:
    """The mesh in a region, run again where its own points say the face is; None where no face is."""
    points, presence = mesh.landmarks(pixels, region)
    if presence < least:
        return None
    points, presence = mesh.landmarks(pixels, Region.of_landmarks(points))
    return Located(points, presence) if presence >= least else None


def _close_up(mesh: FaceMesh, image: Image.Image, region: Region) -> Located | None:
    """`_settle` on the surroundings of a region alone, a large one reduced: the graph copies all it is given."""
    left, top = (max(0, int(centre - region.side)) for centre in (region.x, region.y))
    right = min(image.width, int(region.x + region.side) + 1)
    bottom = min(image.height, int(region.y + region.side) + 1)
    if left >= right or top >= bottom:
        return None
    factor = max(1, int(region.side / CLOSE_UP_SIDE))
    near = np.asarray(image.reduce(factor, (left, top, right, bottom)))
    shown = Region((region.x - left) / factor, (region.y - top) / factor, region.side / factor, region.rotation)
    found = _settle(mesh, near, shown, MIN_PRESENCE)
    if found is None or found.box.height * factor < SMALLEST:
        return None
    return Located(found.points * factor + np.array([left, top, 0], np.float32), found.presence)


def _about(region: Region, known: Located) -> bool:
    """Whether a region shows a face that is known already."""
    side = region.side / ROI_SCALE
    box = Box(x=region.x - side / 2, y=region.y - side / 2, width=side, height=side)
    return box.intersection(known.box) > SAME * min(box.area, known.box.area)


def _distinct(found: list[Located], overlap: float = SAME) -> list[Located]:
    """One entry a face: of two that share more than `overlap` of the smaller, the surer stays."""
    kept: list[Located] = []
    for each in sorted(found, key=lambda one: -one.presence):
        box = each.box
        if all(box.intersection(other.box) <= overlap * min(box.area, other.box.area) for other in kept):
            kept.append(each)
    return kept
