from __future__ import annotations

import json
from pathlib import Path

import pytest

from facevlm.data.readers import own
from facevlm.data.sample import UnitLabel
from facevlm.errors import InputError
from facevlm.faces.decode import SUFFIXES
from tests.data.readers.conftest import Put, everything

PRESENT, ABSENT = UnitLabel(present=True), UnitLabel(present=False)


def test_a_folder_for_each_emotion_is_read_by_its_name(put: Put, tmp_path: Path) -> None:
    put("Happy/a.jpg")
    put("sadness/deep/b.png")
    put("ecstasy/c.png")
    put("sadness/notes.txt", "no picture")
    samples, rejected = everything(own.read(tmp_path))
    assert {key: sample.emotion for key, sample in samples.items()} == {
        "Happy/a.jpg": "happiness",
        "sadness/deep/b.png": "sadness",
    }
    assert rejected[0].reason.startswith("label 'ecstasy' is unknown")


def test_pictures_of_every_kind_that_is_decoded_are_taken(put: Put, tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        put(f"anger/a{suffix}")
    assert len(everything(own.read(tmp_path))[0]) == len(SUFFIXES)


def test_folders_may_lie_in_folders_of_splits(put: Put, tmp_path: Path) -> None:
    put("train/anger/a.jpg")
    put("test/anger/b.jpg")
    assert list(everything(own.read(tmp_path))[0]) == ["train/anger/a.jpg"]
    assert list(everything(own.read(tmp_path, "test"))[0]) == ["test/anger/b.jpg"]


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ([6, "AU12"], {6: PRESENT, 12: PRESENT}),
        ({"12": "D"}, {12: UnitLabel(present=True, intensity="D")}),
        ({"AU12": 0.7}, {12: UnitLabel(present=True, intensity="D")}),
        ({"12": 0}, {12: ABSENT}),
        ({"12": 1, "6": 0.0, "4": False}, {12: PRESENT, 6: ABSENT, 4: ABSENT}),
        ([], None),
    ],
)
def test_action_units_may_be_written_in_each_of_the_ways(put: Put, given: object, read: object) -> None:
    put("a.jpg")
    file = put("faces.jsonl", json.dumps({"id": "a", "image": "a.jpg", "aus": given}))
    assert everything(own.read(file))[0]["a"].aus == read


def test_json_lines_keep_what_they_say_and_name_what_is_wrong(put: Put) -> None:
    put("a.jpg")
    rows = (
        '{"id": 1, "image": "a.jpg", "emotion": "Fearful", "group": 7, "aus": [38], "camera": "left"}',
        '{"id": "b", "image": "a.jpg", "aus": {"12": "F"}}',
        '{"id": "c", "image": "a.jpg", "aus": {"12": 3.5}}',
        '{"id": "d", "image": "nowhere.jpg"}',
        '{"id": "e"}',
        '{"id": "f", "ima',
    )
    samples, rejected = everything(own.read(put("faces.jsonl", "\n".join(rows))))
    (face,) = samples.values()
    assert (face.id, face.emotion, face.group, face.aus) == ("1", "fear", "7", None)
    assert face.details == {"camera": "left", "other_aus": {"38": None}}
    assert [row.row for row in rejected] == [2, 3, 4, 5, 6]
    assert rejected[0].reason == "intensity 'F' is unknown; write A to E, 0.0 to 1.0, true or false"
    assert rejected[2].reason == "no picture nowhere.jpg"
    assert rejected[3].reason == "not a face with an image"
    assert rejected[4].reason == "the line is not JSON"


def test_a_face_without_an_id_goes_by_its_picture(put: Put) -> None:
    put("a.jpg")
    lines = everything(own.read(put("faces.jsonl", '{"image": "a.jpg", "emotion": "joy"}')))[0]
    table = everything(own.read(put("faces.csv", "image,emotion\na.jpg,joy\n")))[0]
    assert list(lines) == list(table) == ["a.jpg"]


def test_a_table_is_read_by_its_header(put: Put) -> None:
    put("a.jpg")
    rows = ("id,image,emotion,aus", "a,a.jpg,joy,6 12", 'b,a.jpg,,"{""12"": ""D""}"', "c,a.jpg,,{", "d,a.jpg,,")
    samples, rejected = everything(own.read(put("faces.csv", "\n".join(rows))))
    assert (samples["a"].emotion, samples["a"].aus) == ("happiness", {6: PRESENT, 12: PRESENT})
    assert samples["b"].aus == {12: UnitLabel(present=True, intensity="D")}
    assert samples["d"].aus is None
    assert [(row.row, row.reason) for row in rejected] == [(4, "aus '{' is not JSON")]


def test_a_table_without_a_header_is_refused(put: Put) -> None:
    with pytest.raises(InputError, match=r"does not name the column image; add a header"):
        own.read(put("faces.csv", "a,a.jpg,joy\n"))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folders named after emotions here"):
        own.read(tmp_path)
