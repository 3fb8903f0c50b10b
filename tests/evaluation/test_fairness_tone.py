"""Skin tone as an angle measured in pixels: known colours, and pictures that do not tell it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.color import lab2rgb

from facevlm import faces
from facevlm.evaluation import fairness_tone
from facevlm.types import Box, Face, Landmarks, Pose, Quality


@pytest.fixture
def face() -> Face:
    points = np.full((478, 3), 50, np.float32)
    points[33, 0], points[263, 0] = 30, 70
    return Face(
        box=Box(x=20, y=20, width=60, height=60),
        score=1,
        landmarks=Landmarks(points=points),
        pose=Pose(yaw=0, pitch=0, roll=0),
        quality=Quality(score=1),
    )


def _plain(lightness: float, b: float) -> Image.Image:
    colour = lab2rgb(np.array([[[lightness, 12.0, b]]]))[0, 0]
    return Image.new("RGB", (100, 100), tuple(round(255 * each) for each in colour))


@pytest.mark.parametrize(("lightness", "b", "degrees"), [(70, 20, 45), (50, 20, 0), (30, 20, -45), (67.3, 30, 30)])
def test_the_angle_is_that_of_lightness_above_fifty_over_yellowness(
    face: Face, lightness: float, b: float, degrees: float
) -> None:
    assert fairness_tone.typology_angle(_plain(lightness, b), face) == pytest.approx(degrees, abs=1)


def test_a_grey_picture_tells_no_tone(face: Face) -> None:
    assert fairness_tone.typology_angle(Image.new("RGB", (100, 100), (180, 180, 180)), face) is None


def test_patches_outside_the_picture_are_left_out(face: Face) -> None:
    assert fairness_tone.typology_angle(_plain(70, 20).crop((0, 0, 20, 20)), face) is None


@pytest.mark.parametrize(
    ("angle", "name"),
    [(56, "very light"), (55, "light"), (41, "intermediate"), (20, "tan"), (10, "brown"), (-30, "dark"), (-60, "dark")],
)
def test_classes_end_where_they_are_published_to(angle: float, name: str) -> None:
    assert fairness_tone.tone(angle) == name


def test_the_largest_face_of_a_photograph_is_measured_where_there_is_one_in_colour(astronaut: Path) -> None:
    photograph = faces.decode(astronaut).image
    assert fairness_tone.of_picture(photograph) == fairness_tone.of_file(astronaut) is not None
    assert fairness_tone.of_picture(photograph.convert("L").convert("RGB")) is None
    assert fairness_tone.of_picture(Image.new("RGB", (200, 200), "tan")) is None
