"""The real face model: what is rendered is found as users' photographs are."""

from __future__ import annotations

from pathlib import Path

import pytest

from facevlm import faces
from facevlm.data.synth.recipe import Recipe
from facevlm.types import Picture
from tests.data.synth.conftest import Draw

FRONTAL = Recipe(
    name="frontal", count=6, kinds={"random": 1, "prototype": 1}, yaw=(-10, 10), pitch=(-8, 8), roll=(-8, 8), damaged=0
)


@pytest.mark.parametrize("index", range(6))
def test_a_frontal_undamaged_face_is_found(shared_data: Path, draw: Draw, index: int) -> None:
    file = shared_data / "ict_facekit" / "ict_facekit.npz"
    if not file.is_file():
        pytest.skip(f"{file} is not here")
    image, (sample,) = draw(FRONTAL, index, file=file)
    (found,) = faces.find(Picture(image=image, source="made", sha256=""))
    assert sample.box is not None and found.box.iou(sample.box) > 0.6
    assert found.pose.yaw == pytest.approx(sample.details["pose"]["yaw"], abs=10)
