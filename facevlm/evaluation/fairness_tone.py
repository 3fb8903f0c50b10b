"""Skin tone as measured in a picture: the individual typology angle of cheeks and forehead. Never a guess at race.

ITA = arctan((L* − 50) / b*) in degrees, of CIE L*a*b* under D65 (Chardon, Cretois & Hourseau, International Journal of
Cosmetic Science, 1991), in the classes of Del Bino & Bernerd (British Journal of Dermatology, 2013). The light of a
photograph is in it as well: the same person is lighter in a bright picture.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facevlm.types import Face

# Landmarks in the middle of bare skin: both cheeks, the forehead above each brow and between them.
PATCHES = (50, 280, 205, 425, 69, 299, 151)
RADIUS = 0.07  # of the distance between the eyes' outer corners
OUTER_CORNERS = (33, 263)
LEAST_CHROMA = 4.0  # in L*a*b*; a grey picture has none
CLASSES = ((55.0, "very light"), (41.0, "light"), (28.0, "intermediate"), (10.0, "tan"), (-30.0, "brown"))
DARKEST = "dark"


def of_picture(image: Image.Image) -> str | None:
    """The class of skin tone of a picture's largest face; None where there is no face, or no colour."""
    from facevlm import faces, marks

    found = marks.number(faces.find(faces.decode(image)))
    angle = typology_angle(image, found[0]) if found else None
    return None if angle is None else tone(angle)


def of_file(file: Path) -> str | None:
    """`of_picture` of a file. Raises InputError where it cannot be read."""
    from facevlm import faces

    return of_picture(faces.decode(file).image)


def tone(angle: float) -> str:
    """The class of a typology angle in degrees: «very light» from 55°, …, «dark» below −30°."""
    return next((name for least, name in CLASSES if angle > least), DARKEST)


def typology_angle(image: Image.Image, face: Face) -> float | None:
    """The typology angle of a face in degrees, the median of its patches; None where the picture has no colour."""
    skin = np.array([_median(image, face, point) for point in PATCHES])
    lightness, a, b = _lab(skin[~np.isnan(skin).any(1)]).T
    if not len(lightness) or np.median(np.hypot(a, b)) < LEAST_CHROMA:
        return None
    return float(np.median(np.degrees(np.arctan2(lightness - 50, b))))


def _median(image: Image.Image, face: Face, point: int) -> NDArray[np.float64]:
    """The median colour around a landmark, (3,) 0–1; nan where that lies outside the picture."""
    right, left = face.landmarks.xy(*OUTER_CORNERS)
    reach = max(RADIUS * float(np.linalg.norm(left - right)), 1)
    ((x, y),) = face.landmarks.xy(point)
    box = (max(round(x - reach), 0), max(round(y - reach), 0), round(x + reach) + 1, round(y + reach) + 1)
    patch = np.asarray(image)[box[1] : max(box[3], 0), box[0] : max(box[2], 0), :3]
    if not patch.size:
        return np.full(3, np.nan)
    colour: NDArray[np.float64] = np.median(patch.reshape(-1, 3), 0) / 255
    return colour


def _lab(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    from skimage.color import rgb2lab

    lab: NDArray[np.float64] = rgb2lab(colours[None])[0] if len(colours) else np.zeros((0, 3))
    return lab
