"""A data set of a few faces, all made from one public-domain photograph, in the layout of the FER+ archives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

FACE = (165, 50, 285, 170)  # of scikit-image's astronaut


@pytest.fixture(scope="session")
def ferplus_folder(astronaut: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ferplus")
    rng = np.random.default_rng(0)
    face = Image.open(astronaut).convert("L").crop(FACE)
    images = [
        np.asarray(ImageEnhance.Brightness(face.rotate(angle)).enhance(light).resize((48, 48), Image.Resampling.BOX))
        for angle, light in zip(rng.uniform(-15, 15, 24), rng.uniform(0.7, 1.3, 24), strict=True)
    ]
    images[3] = np.zeros((48, 48), np.uint8)  # no face to be found
    votes = rng.multinomial(10, [0.1, 0.7, 0.1, 0.1, 0, 0, 0, 0, 0, 0], size=24)
    names = np.array([f"fer{index:07}.png" for index in range(24)])
    for split in ("train-0", "valid"):
        np.savez(folder / f"{split}.npz", image=np.stack(images), name=names, votes=votes.astype(np.uint8))
    return folder
