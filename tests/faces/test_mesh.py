from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image

from facevlm.faces.mesh import Region, shared_mesh

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return np.asarray(Image.open(Path(skimage.__file__).parent / "data" / "astronaut.png").convert("RGB"))


def test_the_mesh_says_how_surely_a_face_is_there(astronaut: np.ndarray) -> None:
    face = Region.of_detection(shared_mesh().detect(astronaut)[0])
    points, presence = shared_mesh().landmarks(astronaut, face)
    assert points.shape == (478, 3)
    assert presence > 0.9
    assert shared_mesh().landmarks(astronaut, Region(60, 400, 100, 0.0))[1] < 0.1


def test_points_lie_where_they_lie_in_a_wider_picture_too(astronaut: np.ndarray) -> None:
    """The mesh works in normalised coordinates: a picture that is not square must not bend the face."""
    wide = np.pad(astronaut, ((0, 0), (0, 700), (0, 0)))
    face = Region.of_detection(shared_mesh().detect(astronaut)[0])
    there, here = (shared_mesh().landmarks(picture, face)[0] for picture in (wide, astronaut))
    assert np.abs(there - here)[:, :2].max() < 1.5


@pytest.mark.parametrize("degrees", [-30, 30])
def test_a_tilted_face_in_a_wide_picture_keeps_its_shape(astronaut: np.ndarray, degrees: int) -> None:
    tilted = np.asarray(
        Image.fromarray(np.pad(astronaut, ((0, 0), (0, 400), (0, 0)))).rotate(degrees, center=(225, 120))
    )
    first, _ = shared_mesh().landmarks(tilted, Region.of_detection(shared_mesh().detect(tilted)[0]))
    points, presence = shared_mesh().landmarks(tilted, Region.of_landmarks(first))
    upright, _ = shared_mesh().landmarks(astronaut, Region.of_detection(shared_mesh().detect(astronaut)[0]))
    assert presence > 0.9
    assert np.linalg.norm(points[33] - points[263]) == pytest.approx(
        np.linalg.norm(upright[33] - upright[263]), rel=0.08
    )
    assert np.linalg.norm(points[10] - points[152]) == pytest.approx(
        np.linalg.norm(upright[10] - upright[152]), rel=0.08
    )


def test_the_next_region_is_turned_as_the_eyes_are() -> None:
    points = np.zeros((478, 3), np.float32)
    points[33], points[263] = (0, 0, 0), (10, 10, 0)
    assert Region.of_landmarks(points).rotation == pytest.approx(np.pi / 4)
