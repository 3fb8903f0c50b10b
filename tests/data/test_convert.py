from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from facevlm.data.convert import Target, convert
from facevlm.data.convert.rows import LABEL_QUESTION
from facevlm.data.sample import Sample, read_samples
from facevlm.errors import InputError
from facevlm.types import Box

ASKED = {"question": "What shows?", "text": "AU12, marked."}


def face(name: str, **more: Any) -> Sample:
    return Sample(id=name, source="made", image=f"{name}.png", **more)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in "abc":
        Image.new("RGB", (20, 20), "grey").save(tmp_path / f"{name}.png")
    return tmp_path


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_trl_gets_prompt_and_completion_with_a_place_for_the_picture(root: Path) -> None:
    done = convert([face("a", **ASKED)], root, root / "out", "trl")
    assert rows(done.file) == [
        {
            "prompt": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What shows?"}]}],
            "completion": [{"role": "assistant", "content": [{"type": "text", "text": "AU12, marked."}]}],
            "images": [str(root / "a.png")],
        }
    ]


@pytest.mark.parametrize("target", ["llama-factory", "ms-swift"])
def test_messages_hold_one_tag_for_the_one_picture(root: Path, target: Target) -> None:
    (row,) = rows(convert([face("a", **ASKED)], root, root / "out", target).file)
    assert row == {
        "messages": [
            {"role": "user", "content": "<image>What shows?"},
            {"role": "assistant", "content": "AU12, marked."},
        ],
        "images": [str(root / "a.png")],
    }


def test_llama_factory_also_gets_an_entry_beside_those_that_are_there(root: Path) -> None:
    for split in ("train", "valid"):
        convert([face("a", **ASKED)], root, root / "out", "llama-factory", split=split)
    info = json.loads((root / "out" / "dataset_info.json").read_text())
    assert list(info) == ["facevlm_train", "facevlm_valid"]
    entry = info["facevlm_valid"]
    assert (entry["file_name"], entry["formatting"]) == ("valid.jsonl", "sharegpt")
    (row,) = rows(root / "out" / entry["file_name"])
    assert set(entry["columns"].values()) == set(row)
    tags = entry["tags"]
    assert [turn[tags["role_tag"]] for turn in row["messages"]] == [tags["user_tag"], tags["assistant_tag"]]


def test_a_label_alone_becomes_the_label_question(root: Path) -> None:
    (row,) = rows(convert([face("a", emotion="fear")], root, root / "out", "ms-swift").file)
    asked, answered = (turn["content"] for turn in row["messages"])
    assert asked == f"<image>{LABEL_QUESTION}"
    assert json.loads(answered) == {"emotion": "fear"}


def test_samples_that_make_no_row_are_named_and_the_others_written(root: Path) -> None:
    samples = [
        face("a", **ASKED),
        face("b"),
        face("c", question="<image> What?", text="Nothing."),
        face("nowhere", emotion="fear"),
    ]
    done = convert(samples, root, root / "out", "trl")
    assert done.rows == len(rows(done.file)) == 1
    assert [(row.file, row.row) for row in done.rejected] == [("b", 2), ("c", 3), ("nowhere", 4)]
    assert "write texts by `facevlm data cot` first" in done.rejected[0].reason
    assert "holds <image>" in done.rejected[1].reason
    assert "no such picture" in done.rejected[2].reason


def test_samples_converted_to_samples_are_equal_but_for_where_the_picture_is(root: Path) -> None:
    given = [face("a", emotion="fear", box=Box(x=1, y=1, width=5, height=5)), face("b", details={"votes": [1]})]
    done = convert(given, root, root / "out", "samples")
    read, rejected = read_samples(done.file)
    assert not rejected
    assert read == [each.model_copy(update={"image": str(root / each.image)}) for each in given]


def test_a_picture_in_an_archive_is_written_for_trainers_and_named_for_us(root: Path) -> None:
    np.savez(root / "faces.npz", image=np.full((1, 48, 48), 90, np.uint8), name=np.array(["x.png"]))
    sample = face("a", emotion="fear").model_copy(update={"image": "faces.npz#x.png"})
    (row,) = rows(convert([sample], root, root / "trl", "trl").file)
    with Image.open(root / "trl" / row["images"][0]) as image:
        assert image.size == (48, 48)
    (kept,) = read_samples(convert([sample], root, root / "ours", "samples").file)[0]
    assert kept.image == f"{root / 'faces.npz'}#x.png"


def test_a_crop_is_written_once_for_all_questions_about_a_face(root: Path, astronaut: Path) -> None:
    sample = face("a", **ASKED).model_copy(update={"image": str(astronaut)})
    other = sample.model_copy(update={"id": "b", "question": "And why?"})
    done = convert([sample, other], root, root / "out", "trl", treatment="crop", size=64)
    (first,), (second,) = (row["images"] for row in rows(done.file))
    assert first == second and first.startswith("images/")
    with Image.open(root / "out" / first) as image:
        assert image.size == (64, 64)
    assert len(list((root / "out" / "images").iterdir())) == 1


def test_a_second_run_keeps_the_pictures_that_are_there(root: Path, astronaut: Path) -> None:
    sample = face("a", **ASKED).model_copy(update={"image": str(astronaut)})
    (row,) = rows(convert([sample], root, root / "out", "trl", treatment="crop").file)
    made = root / "out" / row["images"][0]
    Image.new("RGB", (3, 3)).save(made)
    convert([sample], root, root / "out", "trl", treatment="crop")
    with Image.open(made) as image:
        assert image.size == (3, 3)


def test_a_marked_picture_is_whole_and_differs_where_the_face_is(root: Path, astronaut: Path) -> None:
    sample = face("a", **ASKED).model_copy(update={"image": str(astronaut)})
    (row,) = rows(convert([sample], root, root / "out", "ms-swift", treatment="marked").file)
    with Image.open(root / "out" / row["images"][0]) as marked, Image.open(astronaut) as given:
        assert marked.size == given.size
        changed = np.argwhere((np.asarray(marked) != np.asarray(given.convert("RGB"))).any(2))
    assert 0 < len(changed) < 0.1 * given.width * given.height


def test_a_face_that_is_not_found_where_it_should_be_is_named(root: Path, astronaut: Path) -> None:
    elsewhere = Box(x=400, y=400, width=60, height=60)
    grain = np.random.default_rng(0).integers(90, 110, (240, 320, 3), dtype=np.uint8)
    Image.fromarray(grain).save(root / "a.png")
    samples = [
        face("a", **ASKED),
        face("b", box=elsewhere, **ASKED).model_copy(update={"image": str(astronaut)}),
    ]
    done = convert(samples, root, root / "out", "trl", treatment="crop")
    assert done.rows == 0
    assert "no face found" in done.rejected[0].reason
    assert "no face found where the sample's box is" in done.rejected[1].reason


def test_a_folder_that_cannot_be_made_is_named(root: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        convert([face("a", **ASKED)], root, root / "a.png", "trl")


def test_trl_rows_load_as_the_library_wants_them(root: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="the extra `train` is not installed")
    done = convert([face("a", **ASKED), face("b", emotion="fear")], root, root / "out", "trl")
    loaded = datasets.load_dataset("json", data_files=str(done.file), split="train", cache_dir=str(tmp_path / "cache"))
    row = loaded.cast_column("images", datasets.List(datasets.Image()))[0]
    places = [part for part in row["prompt"][0]["content"] if part["type"] == "image"]
    assert len(places) == len(row["images"]) == 1
    assert row["images"][0].size == (20, 20)
