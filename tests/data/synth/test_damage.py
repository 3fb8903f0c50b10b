"""What happens to pictures on their way."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from facevlm.data.synth.damage import DAMAGES, damaged


@pytest.fixture
def image() -> Image.Image:
    """Colours and edges, wider than high."""
    y, x = np.mgrid[:96, :128]
    colours = np.stack([2 * x, 2 * y, 255 * ((x // 16 + y // 16) % 2)], 2)
    return Image.fromarray(colours.astype(np.uint8))


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damage_changes_the_picture_and_keeps_its_size(name: str, image: Image.Image) -> None:
    after = DAMAGES[name](image, np.random.default_rng(1))
    assert (after.size, after.mode) == (image.size, "RGB")
    assert np.any(np.asarray(after) != np.asarray(image))


def test_one_to_three_damages_are_named_in_the_order_they_happened(image: Image.Image) -> None:
    order = list(DAMAGES)
    told = [damaged(image, np.random.default_rng(seed))[1] for seed in range(40)]
    assert {len(names) for names in told} == {1, 2, 3}
    assert all(names == sorted(set(names), key=order.index) for names in told)
    assert {name for names in told for name in names} == set(DAMAGES)


def test_the_names_are_what_was_done(image: Image.Image) -> None:
    for seed in range(10):
        after, names = damaged(image, np.random.default_rng(seed))
        rng, again = np.random.default_rng(seed), image
        rng.choice(len(DAMAGES), int(rng.integers(1, 4)), replace=False)
        for name in names:
            again = DAMAGES[name](again, rng)
        assert np.array_equal(np.asarray(after), np.asarray(again))


def test_a_grey_picture_stays_grey_whatever_else_happens_to_it(image: Image.Image) -> None:
    made = [damaged(image, np.random.default_rng(seed)) for seed in range(60)]
    grey = [after for after, names in made if "grey" in names]
    assert len(grey) > 10
    for each in grey:
        store = io.BytesIO()
        each.save(store, "JPEG", quality=92)
        pixels = np.asarray(Image.open(store)).astype(int)
        assert np.ptp(pixels, axis=2).max() == 0
