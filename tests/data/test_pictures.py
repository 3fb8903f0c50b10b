from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facevlm.data.pictures import open_picture
from facevlm.data.sample import Sample
from facevlm.errors import InputError


def sample(image: str) -> Sample:
    return Sample(id="a", source="made", image=image)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Image.new("RGB", (40, 30), "red").save(tmp_path / "a.png")
    pixels = np.zeros((2, 48, 48), np.uint8)
    pixels[1] = 200
    np.savez(tmp_path / "faces.npz", image=pixels, name=np.array(["x.png", "y.png"]))
    return tmp_path


def test_a_file_is_opened_relative_to_the_root_or_by_its_whole_path(folder: Path) -> None:
    assert open_picture(sample("a.png"), folder).size == (40, 30)
    assert open_picture(sample(str(folder / "a.png")), Path("elsewhere")).size == (40, 30)


def test_a_picture_in_an_archive_is_found_by_its_name(folder: Path) -> None:
    image = open_picture(sample("faces.npz#y.png"), folder)
    assert (image.mode, image.size, image.getpixel((5, 5))) == ("RGB", (48, 48), (200, 200, 200))


def test_a_name_that_is_not_in_the_archive_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match=r"faces\.npz: holds no picture named 'z\.png'"):
        open_picture(sample("faces.npz#z.png"), folder)


def test_a_missing_or_other_archive_is_refused(folder: Path) -> None:
    np.savez(folder / "other.npz", votes=np.zeros(3))
    for name, why in (("none", "there is no such archive"), ("other", "not an archive of pictures")):
        with pytest.raises(InputError, match=why):
            open_picture(sample(f"{name}.npz#a.png"), folder)


def test_a_missing_picture_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match=r"b\.png: there is no such file"):
        open_picture(sample("b.png"), folder)
