from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facevlm.faces import decode, find
from facevlm.marks import crop
from facevlm.types import Face


@pytest.fixture(scope="module")
def portrait(astronaut: Path) -> tuple[Image.Image, Face]:
    picture = decode(astronaut)
    return picture.image, find(picture)[0].model_copy(update={"id": 1})


def colourful(image: Image.Image) -> np.ndarray:
    pixels = np.asarray(image).astype(int)
    return pixels.max(2) - pixels.min(2) > 40


def test_a_crop_is_square_grey_and_repeats_itself(portrait: tuple[Image.Image, Face]) -> None:
    image, face = portrait
    first, second = (crop(image, face, 64, "plain") for _ in range(2))
    assert first.size == (64, 64)
    assert not colourful(first).any()
    assert first.tobytes() == second.tobytes()


def test_each_variant_adds_its_marks(portrait: tuple[Image.Image, Face]) -> None:
    image, face = portrait
    seen = {variant: crop(image, face, 64, variant) for variant in ("plain", "box", "number", "landmarks")}
    marked = {variant: colourful(each).sum() for variant, each in seen.items()}
    assert marked["plain"] == 0 < marked["box"] <= marked["number"] < marked["landmarks"]
    assert marked["landmarks"] - marked["number"] == 5
    assert seen["box"].tobytes() != seen["number"].tobytes()


def test_a_tilted_head_is_set_upright(astronaut: Path, portrait: tuple[Image.Image, Face]) -> None:
    upright = np.asarray(crop(*portrait, 64, "plain")).astype(float)
    picture = decode(
        Image.open(astronaut).convert("RGB").rotate(25, center=(225, 120), resample=Image.Resampling.BICUBIC)
    )
    tilted = np.asarray(crop(picture.image, find(picture)[0], 64, "plain")).astype(float)
    middle = np.s_[12:52, 12:52]
    assert np.corrcoef(upright[middle].ravel(), tilted[middle].ravel())[0, 1] > 0.95


def test_what_lies_outside_the_picture_is_black(portrait: tuple[Image.Image, Face]) -> None:
    image, face = portrait
    box = face.box
    tight = image.crop((int(box.x), int(box.y), int(box.right), int(box.bottom)))
    moved = face.landmarks.points - np.array([int(box.x), int(box.y), 0], np.float32)
    inside = face.model_copy(update={"landmarks": face.landmarks.model_copy(update={"points": moved})})
    assert np.asarray(crop(tight, inside, 64, "plain"))[:, 0].max() == 0


def test_marks_grow_with_the_crop(portrait: tuple[Image.Image, Face]) -> None:
    small, large = (crop(*portrait, side, "landmarks") for side in (64, 256))
    assert colourful(large).mean() == pytest.approx(colourful(small).mean(), rel=0.35)
