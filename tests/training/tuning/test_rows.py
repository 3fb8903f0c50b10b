from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from facevlm.data.convert import convert
from facevlm.data.sample import Sample
from facevlm.errors import InputError
from facevlm.training.tuning import rows

ASKED = [{"type": "image"}, {"type": "text", "text": "Which emotion?"}]
GOOD: dict[str, Any] = {
    "prompt": [{"role": "user", "content": ASKED}],
    "completion": [{"role": "assistant", "content": "Fear."}],
    "images": ["face.png"],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("face.png", "other.png"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    return tmp_path


def written(folder: Path, *lines: dict[str, Any] | str) -> Path:
    file = folder / "train.jsonl"
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + "\n")
    return file


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"prompt": [', "not a whole JSON object"),
        ("[1]", "dictionary"),
        ({"id": "1", "source": "ferplus", "image": "face.png"}, "a sample, not a row; `facevlm data convert"),
        (GOOD | {"images": []}, "images: "),
        (GOOD | {"images": ["face.png", "other.png"]}, "places for 1 pictures and names 2"),
        (GOOD | {"images": ["gone.png"]}, "there is no such picture"),
        (GOOD | {"images": ["broken.png"]}, "not a picture that can be read"),
        (GOOD | {"completion": [{"role": "assistant", "content": " "}]}, "the completion is empty"),
        (GOOD | {"completion": [{"role": "user", "content": "Fear."}]}, "a completion is the assistant's"),
        (GOOD | {"prompt": [{"role": "tool", "content": "?"}]}, "prompt.0.role"),
    ],
)
def test_a_bad_row_is_told_with_its_number_and_the_rest_is_read(
    folder: Path, line: dict[str, Any] | str, why: str
) -> None:
    read, rejected = rows.read(written(folder, GOOD, line, GOOD))
    assert len(read) == 2
    assert [row.row for row in rejected] == [2]
    assert why in rejected[0].reason


def test_a_file_without_any_good_row_is_refused_with_the_first_reason(folder: Path) -> None:
    with pytest.raises(InputError, match=r"holds no row to train on; row 1: .*gone\.png.*--to trl"):
        rows.read(written(folder, GOOD | {"images": ["gone.png"]}))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.jsonl: cannot be read"):
        rows.read(tmp_path / "nowhere.jsonl")


def test_what_convert_writes_can_be_trained_on(folder: Path) -> None:
    sample = Sample(id="1", source="mine", image="face.png", question="Which emotion?", text="Fear.")
    read, rejected = rows.read(convert([sample], folder, folder / "out", "trl").file)
    assert (len(read), rejected) == (1, [])
    assert read[0].answer == "Fear."


def test_pictures_stand_before_a_question_that_gives_them_no_place(folder: Path) -> None:
    (row,), _ = rows.read(written(folder, GOOD | {"prompt": [{"role": "user", "content": "Which emotion?"}]}))
    (turn,) = row.exchange()["prompt"]
    assert [part["type"] for part in turn["content"]] == ["image", "text"]


def test_pictures_are_found_beside_the_file(folder: Path) -> None:
    (row,), _ = rows.read(written(folder, GOOD))
    assert row.exchange()["images"] == [str(folder / "face.png")]


def test_no_picture_is_both_trained_on_and_held_out(folder: Path) -> None:
    def about(image: int) -> rows.Row:
        return rows.Row.model_validate(GOOD | {"images": [f"{image}.png"]})

    trained, held_out = rows.divided([about(image) for image in range(200) for _ in range(2)], 0.2)
    assert len(trained) + len(held_out) == 400
    assert 40 <= len(held_out) <= 120
    assert not {row.images for row in trained} & {row.images for row in held_out}


def test_the_division_stays_the_same_when_rows_are_added(folder: Path) -> None:
    few = [rows.Row.model_validate(GOOD | {"images": [f"{image}.png"]}) for image in range(50)]
    more = [rows.Row.model_validate(GOOD | {"images": [f"{image}.png"]}) for image in range(100)]
    assert set(rows.divided(few, 0.2)[1]) <= set(rows.divided(more, 0.2)[1])
