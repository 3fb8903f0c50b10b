from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from facevlm.errors import InputError
from facevlm.training.tuning.targets import Row, divided, read_rows

GOOD: dict[str, Any] = {"prompt": "explain", "images": ["a.png"], "fields": ["observations", "emotion"]}


def written(folder: Path, *rows: dict[str, Any] | str) -> Path:
    Image.new("RGB", (8, 8)).save(folder / "a.png")
    file = folder / "rows.jsonl"
    file.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return file


def test_pictures_stand_before_the_users_words(tmp_path: Path) -> None:
    turns = [
        {"role": "system", "content": "You read faces."},
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "explain"}]},
    ]
    (row,), _ = read_rows(written(tmp_path, GOOD | {"prompt": turns}))
    exchange = row.exchange()
    assert [part["type"] for part in exchange["prompt"][1]["content"]] == ["image", "text"]
    assert exchange["prompt"][0]["content"] == [{"type": "text", "text": "You read faces."}]
    assert exchange["images"] == [str(tmp_path / "a.png")]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"fields": ["feeling"]}, "fields.0"),
        ({"units": {"3": {"value": 0.1}}}, "AU 3 is not known"),
        ({"votes": {"fear": 0.5}}, "sum to 1"),
        ({"images": ["b.png"]}, "there is no such picture"),
        ({"truth": {"12": {"intensity": "F"}}}, "truth.12.intensity"),
        ({"truth": {"24": {"intensity": "B"}, "27": {"intensity": "B"}}}, "cannot be seen together"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_and_the_others_are_read(
    tmp_path: Path, fault: dict[str, Any], reason: str
) -> None:
    rows, (rejected,) = read_rows(written(tmp_path, GOOD, GOOD | fault, GOOD))
    assert len(rows) == 2
    assert rejected.row == 2 and reason in rejected.reason


def test_a_file_without_a_row_says_what_is_wrong_with_its_first_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"rows\.jsonl: holds no row of reinforcement \(row 1: fields"):
        read_rows(written(tmp_path, {"prompt": "explain", "images": ["a.png"]}))


def test_the_target_of_a_row_is_all_that_rewards_need(tmp_path: Path) -> None:
    row = Row.model_validate(GOOD | {"emotion": "fear", "units": {"12": {"value": 0.5}}})
    told = json.loads(row.target)
    assert told["units"]["12"]["value"] == 0.5 and "prompt" not in told and "images" not in told


def test_a_picture_is_either_trained_on_or_held_out() -> None:
    rows = [Row.model_validate(GOOD | {"images": [f"{index // 2}.png"]}) for index in range(400)]
    trained, held_out = divided(rows, 0.2)
    assert {row.images for row in trained}.isdisjoint({row.images for row in held_out})
    assert 40 < len(held_out) < 120
