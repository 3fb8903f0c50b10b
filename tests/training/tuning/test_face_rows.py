from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facevlm import prompting
from facevlm.data import ferplus
from facevlm.errors import InputError
from facevlm.faces.cues import cue_table
from facevlm.training.embedded.arrays import FaceArrays
from facevlm.training.tuning import face_rows
from facevlm.training.tuning.targets import read_rows
from facevlm.types import AU_CODES, EMOTIONS
from tests.training.conftest import FACE

SMILE = AU_CODES.index(12)


@pytest.fixture
def faces() -> FaceArrays:
    """A photograph with votes and a synthetic face with true units, both of a measured smile."""
    units = np.zeros((2, len(AU_CODES), 3), np.float32)
    units[:, SMILE] = 0.7
    units[:, AU_CODES.index(28)] = np.nan
    truth = np.full((2, len(AU_CODES), 2), np.nan, np.float32)
    truth[1] = 0.0
    truth[1, SMILE] = 0.5
    votes = np.zeros((2, 8), np.float32)
    votes[0, EMOTIONS.index("happiness")] = 1
    return FaceArrays(
        plain=np.zeros((2, 64, 64), np.uint8),
        marked=np.stack([np.full((64, 64, 3), shade, np.uint8) for shade in (50, 90)]),
        cues=np.zeros((2, len(cue_table())), np.float32),
        units=units,
        truth=truth,
        votes=votes,
        majority=np.array([EMOTIONS.index("happiness"), -1]),
        names=np.array(["fer0000001.png", "synth/7"]),
    )


def test_a_row_is_the_prompt_users_faces_are_asked_with(faces: FaceArrays, tmp_path: Path) -> None:
    prompt = prompting.load("sov-cot", "face")
    face_rows.write_rows(faces, prompt, tmp_path / "rows.jsonl")
    (first, _), rejected = read_rows(tmp_path / "rows.jsonl")
    asked = first.exchange()
    assert not rejected
    assert first.fields == prompt.answer
    words = asked["prompt"][-1]["content"][-1]["text"]
    assert "AU12:0.7" in words and words.rstrip().endswith("explain")
    assert np.asarray(Image.open(asked["images"][0])).mean() == 50


def test_a_photograph_brings_votes_and_a_synthetic_face_what_is_truly_there(faces: FaceArrays, tmp_path: Path) -> None:
    face_rows.write_rows(faces, prompting.load("sov-cot", "face"), tmp_path / "rows.jsonl")
    (photograph, synthetic), _ = read_rows(tmp_path / "rows.jsonl")
    assert (photograph.emotion, photograph.votes, photograph.truth) == ("happiness", {"happiness": 1.0}, None)
    assert (synthetic.emotion, synthetic.votes) == (None, None)
    assert synthetic.truth is not None and {code: seen.intensity for code, seen in synthetic.truth.items()} == {12: "C"}
    assert photograph.units[28].value is None


def test_the_faces_ferplus_holds_out_are_held_out_here(ferplus_folder: Path, nano: Path, tmp_path: Path) -> None:
    prompt = prompting.load("sov-cot", "face")
    trained, held_out = face_rows.of_faces(ferplus_folder, tmp_path, str(nano), prompt, workers=1)
    names = [np.array([Path(row.images[0]).name for row in read_rows(file)[0]]) for file in (trained, held_out)]
    assert not ferplus.held_out(names[0]).any() and ferplus.held_out(names[1]).all()
    assert read_rows(trained)[0][0].units


def test_a_synthetic_set_is_one_half_and_its_units_are_true(
    ferplus_folder: Path, astronaut: Path, nano: Path, tmp_path: Path
) -> None:
    made = tmp_path / "made"
    made.mkdir()
    picture = Image.open(astronaut).convert("RGB").crop(FACE)
    samples = []
    for count in range(7):
        picture.rotate(count).save(made / f"{count}.jpg")
        moves = {"12": [0.9, 0.9]}
        samples.append({"id": f"made/{count}", "source": "made", "image": f"{count}.jpg", "details": {"moves": moves}})
    (made / "samples.jsonl").write_text("".join(json.dumps(each) + "\n" for each in samples))
    prompt = prompting.load("sov-cot", "face")
    files = face_rows.of_faces(ferplus_folder, tmp_path / "work", str(nano), prompt, workers=1, synthetic=made)
    rows = [row for file in files for row in read_rows(file)[0]]
    true, voted = ([row for row in rows if getattr(row, known) is not None] for known in ("truth", "votes"))
    assert (len(true), len(voted)) == (7, 7)
    assert all(set(row.truth or ()) == {12} and row.votes is None for row in true)


def test_a_model_that_is_not_shown_crops_needs_rows(ferplus_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model that is shown crops"):
        face_rows.of_faces(ferplus_folder, tmp_path, "large", prompting.load("sov-cot", "face"), workers=1)
