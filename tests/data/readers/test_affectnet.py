from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facevlm.data.readers import affectnet
from facevlm.errors import InputError
from facevlm.types import Box
from tests.data.readers.conftest import Put, everything

HEADER = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal"
ROWS = (
    "1/a.jpg,1,2,10,11,5;6,3,0.1,0.5",
    "1/b.jpg,1,2,10,11,5;6,9,-2,-2",
    "1/c.jpg,1,2,10,11,5;6,12,-2,-2",
    "1/d.jpg,1,2",
    "1/e.jpg,1,2,0,11,5;6,3,0.1,0.5",
)


@pytest.fixture
def listed(put: Put, tmp_path: Path) -> Path:
    put("Manually_Annotated_file_lists/training.csv", "\n".join((HEADER, *ROWS)))
    put("Manually_Annotated_file_lists/validation.csv", ROWS[0])  # without a header
    for name in "abcde":
        put(f"Manually_Annotated_Images/1/{name}.jpg")
    return tmp_path


def test_a_listed_face_has_its_emotion_and_its_box(listed: Path) -> None:
    sample = everything(affectnet.read(listed))[0]["affectnet/1/a"]
    assert (sample.emotion, sample.box) == ("surprise", Box(x=1, y=2, width=10, height=11))
    assert sample.details == {"valence": 0.1, "arousal": 0.5}


def test_a_face_with_none_of_the_eight_emotions_is_kept_without_one(listed: Path) -> None:
    sample = everything(affectnet.read(listed))[0]["affectnet/1/b"]
    assert (sample.emotion, sample.details["label"]) == (None, "uncertain")


def test_bad_rows_are_named_and_the_others_read(listed: Path) -> None:
    samples, rejected = everything(affectnet.read(listed))
    assert len(samples) == 2
    reasons = {row.row: row.reason for row in rejected}
    assert reasons[4] == "label 12 is unknown; the data set has 0 to 10"
    assert reasons[5] == "3 columns, not 9"
    assert reasons[6].startswith("width: input should be greater than 0")


def test_a_list_without_a_header_is_read_from_its_first_row(listed: Path) -> None:
    assert list(everything(affectnet.read(listed, "valid"))[0]) == ["affectnet/1/a"]


def test_the_newer_layout_keeps_a_label_in_each_file(put: Put, tmp_path: Path) -> None:
    annotations = tmp_path / "train_set" / "annotations"
    annotations.mkdir(parents=True)
    for name, label in (("7", "6"), ("8", "11"), ("9", "1")):
        np.save(annotations / f"{name}_exp.npy", np.array(label))
    np.save(annotations / "7_val.npy", np.array("-0.4"))
    put("train_set/images/7.jpg")
    put("train_set/images/8.jpg")
    samples, rejected = everything(affectnet.read(tmp_path))
    assert (samples["affectnet/7"].emotion, samples["affectnet/7"].details) == ("anger", {"valence": -0.4})
    assert [row.reason for row in rejected] == [
        "label 11 is unknown; the data set has 0 to 10",
        "no picture train_set/images/9.jpg",
    ]


def test_what_is_missing_is_named_with_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"training\.csv: not there, and AffectNet needs it; ask for it at"):
        affectnet.read(tmp_path)
