from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Endpoint, Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def faces(tmp_path: Path, astronaut: Path, empty_wall: Path) -> Path:
    """A folder with one face under «happiness», and a wall beside it."""
    folder = tmp_path / "faces"
    (folder / "happiness").mkdir(parents=True)
    shutil.copy(astronaut, folder / "happiness" / "a.png")
    shutil.copy(empty_wall, folder / "happiness" / "wall.png")
    return folder


@pytest.fixture
def index(facevlm: Run, faces: Path, tiny_clip: Path, tmp_path: Path) -> Path:
    done = facevlm("index", "build", faces, "--out", tmp_path / "faces.index", "--model", tiny_clip)
    assert done.status == 0, done.err
    return Path(done.out.strip())


def test_build_prints_the_folder_and_tells_what_was_left_out(
    facevlm: Run, faces: Path, tiny_clip: Path, tmp_path: Path
) -> None:
    done = facevlm("index", "build", faces, "--out", tmp_path / "i", "--model", tiny_clip)
    assert (done.status, done.out) == (0, f"{tmp_path / 'i'}\n")
    assert done.complaints == [
        "facevlm: happiness/wall.png: no face found",
        f"facevlm: {tmp_path / 'i'}: 1 faces of 2 pictures, 1 of them labelled; 1 left out, as said above",
    ]


def test_labels_come_from_samples_where_a_file_is_given(
    facevlm: Run, faces: Path, tiny_clip: Path, tmp_path: Path, astronaut: Path
) -> None:
    samples = tmp_path / "samples.jsonl"
    sample = {"id": "1", "source": "mine", "image": "happiness/a.png", "emotion": "surprise"}
    samples.write_text(json.dumps(sample) + "\nnonsense\n")
    done = facevlm("index", "build", faces, "--out", tmp_path / "i", "--model", tiny_clip, "--labels", samples)
    assert done.status == 0 and "row 2" in done.complaints[0]
    near = facevlm("index", "query", astronaut, "--index", tmp_path / "i", "--format", "json")
    assert json.loads(near.out)["faces"][0]["nearest"][0]["label"] == "surprise"


def test_query_as_json_names_the_nearest_of_each_face(facevlm: Run, index: Path, astronaut: Path) -> None:
    done = facevlm("index", "query", astronaut, "--index", index, "--format", "json")
    (face,) = json.loads(done.out)["faces"]
    (near,) = face["nearest"]
    assert (face["id"], near["picture"], near["label"], near["likeness"]) == (1, "happiness/a.png", "happiness", 1.0)


def test_query_as_a_table_names_label_and_picture(facevlm: Run, index: Path, astronaut: Path) -> None:
    done = facevlm("index", "query", astronaut, "--index", index)
    assert "happiness/a.png" in done.out and "1.000" in done.out


def test_a_text_is_looked_for_in_the_place_of_a_face(facevlm: Run, index: Path) -> None:
    done = facevlm("index", "query", "--index", index, "--text", "left lip corner raised", "--format", "json")
    told = json.loads(done.out)
    assert (told["text"], told["nearest"][0]["picture"]) == ("left lip corner raised", "happiness/a.png")


def test_an_image_without_a_face_is_done_and_said_so(facevlm: Run, index: Path, empty_wall: Path) -> None:
    done = facevlm("index", "query", empty_wall, "--index", index, "--format", "json")
    assert (done.status, json.loads(done.out)["faces"]) == (0, [])
    assert done.err == f"facevlm: {empty_wall}: no face found\n"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "give an image or --text"),
        (("{image}", "--text", "a smile"), "only one of them"),
        (("{image}", "--face", "7"), "--face 7: {image} has one face; leave the option out"),
        (("--text", "qwertzuiop"), "never shown the word"),
    ],
)
def test_a_query_that_cannot_be_asked_is_refused_in_one_line(
    facevlm: Run, index: Path, astronaut: Path, words: tuple[str, ...], why: str
) -> None:
    done = facevlm("index", "query", *(word.format(image=astronaut) for word in words), "--index", index)
    assert done.status == 2 and why.format(image=astronaut) in done.err and len(done.complaints) == 1


def test_a_folder_that_is_no_index_is_refused(facevlm: Run, astronaut: Path, tmp_path: Path) -> None:
    done = facevlm("index", "query", astronaut, "--index", tmp_path)
    assert done.status == 2 and "no index of faces" in done.err and len(done.complaints) == 1


def test_a_folder_without_pictures_is_refused(facevlm: Run, tiny_clip: Path, tmp_path: Path) -> None:
    done = facevlm("index", "build", tmp_path, "--out", tmp_path / "i", "--model", tiny_clip)
    assert done.status == 2 and "no pictures here" in done.err


def test_analyze_shows_examples_to_a_model_of_whole_photographs(
    facevlm: Run, endpoint: Endpoint, index: Path, tmp_path: Path, astronaut: Path
) -> None:
    from PIL import Image, ImageOps

    ImageOps.mirror(Image.open(astronaut).convert("RGB")).save(tmp_path / "mirrored.png")
    options = ("--examples", "2", "--index", index, "--format", "json", *endpoint.options)
    done = facevlm("analyze", tmp_path / "mirrored.png", *options)
    told = json.loads(done.out)
    assert done.status == 0 and "+1×example@" in told["provenance"]["prompt"]
    assert "shown as examples: happiness (happiness/a.png)" in done.err


def test_examples_need_an_index(facevlm: Run, endpoint: Endpoint, astronaut: Path) -> None:
    done = facevlm("analyze", astronaut, "--examples", "2", *endpoint.options)
    assert done.status == 2 and "name it with --index" in done.err
