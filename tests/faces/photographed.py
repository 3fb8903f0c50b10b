"""The astronaut's face as action units are measured on it: her picture, its mesh, and what becomes of both at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from facevlm.faces.action_units import measure_action_units
from facevlm.faces.locate import locate
from facevlm.faces.pose import frontalise, mean_face
from facevlm.types import ActionUnit, Pose


@dataclass(frozen=True)
class Photographed:
    """A grey picture (h, w) and the landmarks (478, 3) of the face in it, in its pixels."""

    grey: NDArray[np.uint8]
    points: NDArray[np.float32]

    def measured(self, pose: Pose | None = None) -> dict[int, ActionUnit]:
        """Its action units; in another pose than its own where one is given."""
        frontal, found = frontalise(self.points)
        return measure_action_units(self.grey, self.points, frontal, pose or found)

    def in_a_mirror(self) -> Photographed:
        """As in a mirror, each landmark in its partner's place."""
        flipped = mean_face() * (-1, 1, 1)
        partners = np.linalg.norm(flipped[:, None] - mean_face()[None], axis=2).argmin(1)
        points = (self.points * (-1, 1, 1) + (self.grey.shape[1] - 1, 0, 0))[partners]
        return Photographed(self.grey[:, ::-1].copy(), points.astype(np.float32))

    def resized(self, times: float) -> Photographed:
        size = (round(self.grey.shape[1] * times), round(self.grey.shape[0] * times))
        return Photographed(np.asarray(Image.fromarray(self.grey).resize(size)), self.points * np.float32(times))

    def tilted(self, degrees: float) -> Photographed:
        """Turned clockwise about the middle of the picture."""
        centre = (np.array(self.grey.shape[::-1]) - 1) / 2
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        points = self.points.copy()
        points[:, :2] = (points[:, :2] - centre) @ np.array([[cos, sin], [-sin, cos]]) + centre
        return Photographed(np.asarray(Image.fromarray(self.grey).rotate(-degrees, Image.Resampling.BICUBIC)), points)

    def cut_off(self, left: int = 0, top: int = 0) -> Photographed:
        """Without the picture's first columns and rows; the mesh goes on beyond the edge."""
        return Photographed(self.grey[top:, left:].copy(), self.points - np.array((left, top, 0), np.float32))


@lru_cache(maxsize=1)
def astronaut() -> Photographed:
    """NASA's portrait of Eileen Collins, who smiles; public domain, as scikit-image ships it."""
    picture = Image.fromarray(skimage.data.astronaut())
    (found,) = locate(picture)
    return Photographed(np.asarray(picture.convert("L")), found.points)
