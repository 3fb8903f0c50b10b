"""The contact sheet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facevlm.data.sample import Sample, UnitLabel, write_samples
from facevlm.data.synth.sheet import COLUMNS, SHOWN, contact_sheet
from facevlm.types import Box


def _data_set(folder: Path, pictures: int, faces: int = 1) -> Path:
    (folder / "images").mkdir()
    samples = []
    for index in range(pictures):
        name = f"images/{index}.png"
        Image.new("RGB", (80, 60), "red").save(folder / name)
        box = Box(x=10, y=10, width=30, height=30)
        label = {12: UnitLabel(present=True, intensity="C", side="left")}
        samples += [
            Sample(id=f"{index}-{n}", source="made", image=name, box=box, aus=label, details={"kind": "random"})
            for n in range(faces)
        ]
    write_samples(folder / "samples.jsonl", samples)
    contact_sheet(folder, folder / "sheet.jpg")
    return folder / "sheet.jpg"


def test_a_row_has_eight_pictures_and_a_ninth_begins_another(tmp_path: Path) -> None:
    sheet = Image.open(_data_set(tmp_path, COLUMNS + 1))
    assert sheet.size == (8 * 160, 2 * 204)


def test_no_more_than_the_first_pictures_are_shown(tmp_path: Path) -> None:
    assert Image.open(_data_set(tmp_path, SHOWN + 3)).height == 8 * 204


def test_a_picture_fills_its_tile_and_has_words_beneath(tmp_path: Path) -> None:
    sheet = Image.open(_data_set(tmp_path, 1)).convert("L")
    assert sheet.crop((0, 0, 160, 118)).getextrema()[1] < 120  # red, and no white
    assert sheet.crop((0, 160, 160, 204)).getextrema()[0] < 120


@pytest.mark.parametrize(("faces", "framed"), [(1, False), (3, True)])
def test_the_faces_of_a_group_share_a_tile_and_are_framed(tmp_path: Path, faces: int, framed: bool) -> None:
    sheet = Image.open(_data_set(tmp_path, 1, faces))
    green = np.asarray(sheet)[10:100, 50, 1]  # down the middle of the boxes, over both edges
    assert sheet.size == (8 * 160, 204) and (green.max() > 40) == framed
