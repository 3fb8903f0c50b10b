from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from facevlm.faces import decode, find
from facevlm.types import AU_CODES


def test_a_found_face_has_everything_that_is_measured_of_it(astronaut: Path) -> None:
    (face,) = find(decode(astronaut))
    assert face.id == 0
    assert face.landmarks.points.shape == (478, 3)
    assert abs(face.pose.yaw) < 20
    assert face.quality.flags == ()
    assert tuple(face.action_units) == AU_CODES
    assert face.action_units[12].value > 0.25  # she smiles
    assert face.action_units[4].value < 0.25


@pytest.mark.parametrize("side", [48, 64, 96])
def test_a_bare_face_crop_is_found_as_given(astronaut: Path, side: int) -> None:
    crop = Image.open(astronaut).convert("L").crop((165, 50, 285, 170)).resize((side, side), Image.Resampling.BOX)
    (face,) = find(decode(crop))
    assert face.box.width > side / 2
    assert face.box.x > -side / 4


def test_action_units_are_much_the_same_whatever_the_size_of_the_picture(astronaut: Path) -> None:
    picture = Image.open(astronaut).convert("RGB")
    large, small = (find(decode(picture.resize((side, side))))[0].action_units for side in (512, 256))
    for code in (1, 2, 5, 12, 15, 25):
        assert large[code].value == pytest.approx(small[code].value, abs=0.2)


def test_in_a_mirror_the_sides_of_an_action_unit_change_places(astronaut: Path) -> None:
    picture = Image.open(astronaut).convert("RGB")
    face, mirrored = (find(decode(each))[0] for each in (picture, picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)))
    assert face.pose.yaw == pytest.approx(-mirrored.pose.yaw, abs=3)
    assert face.action_units[12].left == pytest.approx(mirrored.action_units[12].right, abs=0.2)
