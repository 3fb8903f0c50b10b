from __future__ import annotations

import pytest
import torch

from facevlm.training.embedded.augment import random_view


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_without_strength_a_view_is_the_face_or_its_mirror_image() -> None:
    faces = torch.rand(8, 1, 16, 16)
    view = random_view(8, 16, generator(), strength=0)
    expected = torch.where(view.mirrored[:, None, None, None], faces.flip(3), faces)
    assert torch.allclose(view.apply(faces), expected, atol=1e-4)
    assert view.mirrored.any()
    assert not view.mirrored.all()


def test_one_view_treats_every_picture_of_a_face_alike() -> None:
    grey = torch.rand(4, 1, 16, 16)
    view = random_view(4, 16, generator())
    assert torch.allclose(view.apply(grey.expand(-1, 3, -1, -1))[:, :1], view.apply(grey))


def test_a_seed_repeats_its_views() -> None:
    first, second = (random_view(4, 16, generator()) for _ in range(2))
    assert torch.equal(first.grid, second.grid)


@pytest.mark.parametrize("strength", [0.5, 2.0])
def test_pixels_stay_in_range(strength: float) -> None:
    seen = random_view(16, 16, generator(), strength).apply(torch.rand(16, 3, 16, 16))
    assert seen.min() >= 0
    assert seen.max() <= 1
