"""Each flag of a face's quality, when it should be raised and when not."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageFilter

from facevlm.faces.locate import Located, locate
from facevlm.faces.quality import assess
from facevlm.types import Pose, Quality

FRONTAL = Pose(yaw=0, pitch=0, roll=0)
ASTRONAUT = Image.fromarray(skimage.data.astronaut())


@pytest.fixture(scope="module")
def face() -> Located:
    return locate(ASTRONAUT)[0]


def scaled(face: Located, scale: float) -> Quality:
    side = round(512 * scale)
    image = ASTRONAUT.resize((side, side), Image.Resampling.LANCZOS)
    return assess(image, face.points * side / 512, FRONTAL, 1.0)


def test_a_sharp_frontal_whole_face_has_no_flag_and_nearly_full_score(face: Located) -> None:
    quality = assess(ASTRONAUT, face.points, FRONTAL, face.presence)
    assert quality.flags == ()
    assert quality.score > 0.95


@pytest.mark.parametrize(("scale", "flags"), [(4.0, ()), (1.0, ()), (0.4, ()), (0.3, ("small",)), (0.1, ("small",))])
def test_a_face_is_small_by_its_pixels(face: Located, scale: float, flags: tuple[str, ...]) -> None:
    assert scaled(face, scale).flags == flags


@pytest.mark.parametrize(("radius", "flags"), [(0, ()), (1, ()), (3, ("blurred",)), (6, ("blurred",))])
def test_a_face_is_blurred_by_its_missing_detail(face: Located, radius: float, flags: tuple[str, ...]) -> None:
    blurred = ASTRONAUT.filter(ImageFilter.GaussianBlur(radius))
    assert assess(blurred, face.points, FRONTAL, 1.0).flags == flags


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0, 4.0])
def test_blur_counts_by_the_size_of_the_face_not_of_the_picture(face: Located, scale: float) -> None:
    side = round(512 * scale)
    for radius, flags in ((1, ()), (3, ("blurred",))):
        large = ASTRONAUT.resize((side, side), Image.Resampling.BICUBIC).filter(
            ImageFilter.GaussianBlur(radius * scale)
        )
        assert assess(large, face.points * scale, FRONTAL, 1.0).flags == flags


def test_a_small_face_is_small_and_not_blurred(face: Located) -> None:
    tiny = ASTRONAUT.resize((128, 128)).filter(ImageFilter.GaussianBlur(2))
    assert assess(tiny, face.points / 4, FRONTAL, 1.0).flags == ("small",)


@pytest.mark.parametrize(
    ("yaw", "pitch", "roll", "flags"),
    [(30, 0, 0, ()), (-40, 0, 0, ("turned",)), (0, 25, 0, ()), (0, -35, 0, ("turned",)), (0, 0, 120, ())],
)
def test_a_face_is_turned_by_yaw_and_pitch(
    face: Located, yaw: float, pitch: float, roll: float, flags: tuple[str, ...]
) -> None:
    assert assess(ASTRONAUT, face.points, Pose(yaw=yaw, pitch=pitch, roll=roll), 1.0).flags == flags


def test_turning_away_lowers_the_score_down_to_nothing(face: Located) -> None:
    scores = [assess(ASTRONAUT, face.points, Pose(yaw=yaw, pitch=0, roll=0), 1.0).score for yaw in (0, 30, 60, 120)]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] == 0


@pytest.mark.parametrize(("left", "flags"), [(170, ()), (180, ()), (220, ("cut off",)), (240, ("cut off",))])
def test_a_face_is_cut_off_by_the_frame(face: Located, left: int, flags: tuple[str, ...]) -> None:
    image = ASTRONAUT.crop((left, 0, 512, 512))
    moved = face.points - np.array([left, 0, 0], np.float32)
    assert assess(image, moved, FRONTAL, 1.0).flags == flags


def test_a_face_wholly_outside_has_no_score(face: Located) -> None:
    assert assess(ASTRONAUT, face.points + np.array([600, 0, 0], np.float32), FRONTAL, 1.0).score == 0


@pytest.mark.parametrize(
    ("gain", "flags"), [(0.1, ("dark",)), (0.2, ("dark",)), (0.5, ()), (1.0, ()), (1.15, ()), (2.0, ("bright",))]
)
def test_a_face_is_dark_or_bright_where_the_light_leaves_nothing_to_see(
    face: Located, gain: float, flags: tuple[str, ...]
) -> None:
    lit = ASTRONAUT.point(lambda level: min(255, int(level * gain)))
    assert assess(lit, face.points, FRONTAL, 1.0).flags == flags


def test_the_score_is_a_product_of_what_is_wrong(face: Located) -> None:
    whole = assess(ASTRONAUT, face.points, FRONTAL, 1.0).score
    assert assess(ASTRONAUT, face.points, FRONTAL, 0.5).score == pytest.approx(whole / 2, abs=0.001)
    both = assess(ASTRONAUT, face.points, Pose(yaw=60, pitch=0, roll=0), 0.5).score
    assert both == pytest.approx(whole / 4, abs=0.001)
