from __future__ import annotations

from pathlib import Path

import pytest

from facevlm import facs
from facevlm.data.readers import published, rafdb
from facevlm.errors import InputError
from facevlm.types import Box
from tests.data.readers.conftest import Put, everything

LABELS = (
    "train_00001.jpg 5\ntrain_00002.jpg 9\ntrain_00003 jpg\ntrain_00004.jpg 4\ntrain_00005.jpg 4\ntest_0001.jpg 7\n"
)


@pytest.fixture
def basic(put: Put, tmp_path: Path) -> Path:
    put("basic/EmoLabel/list_patition_label.txt", LABELS)
    for name in ("train_00001", "train_00002", "train_00004", "test_0001"):
        put(f"basic/Image/aligned/{name}_aligned.jpg")
    return tmp_path


def test_labels_from_1_to_7_are_emotions_in_its_own_order(basic: Path) -> None:
    samples, _ = everything(rafdb.read(basic))
    assert {key: sample.emotion for key, sample in samples.items()} == {
        "rafdb/train_00001": "sadness",
        "rafdb/train_00004": "happiness",
    }
    assert samples["rafdb/train_00001"].image == "basic/Image/aligned/train_00001_aligned.jpg"


def test_bad_rows_are_named_and_the_others_read(basic: Path) -> None:
    _, rejected = everything(rafdb.read(basic))
    assert {row.row: row.reason for row in rejected} == {
        2: "label 9 is unknown; the data set has 1 to 7",
        3: "label 'jpg' is not a number",
        5: "no picture basic/Image/aligned/train_00005_aligned.jpg",
    }


def test_the_test_split_is_read_only_when_asked_for(basic: Path) -> None:
    assert list(everything(rafdb.read(basic, "test"))[0]) == ["rafdb/test_0001"]


def test_the_folder_may_be_the_part_itself(basic: Path) -> None:
    samples, _ = everything(rafdb.read(basic / "basic"))
    assert samples["rafdb/train_00001"].image == "Image/aligned/train_00001_aligned.jpg"


def test_original_pictures_come_with_the_box_of_the_face(put: Put, tmp_path: Path) -> None:
    put("EmoLabel/list_patition_label.txt", "train_00001.jpg 1\ntrain_00002.jpg 1\n")
    put("Image/original/train_00001.jpg")
    put("Image/original/train_00002.jpg")
    put("Annotation/boundingbox/train_00001_boundingbox.txt", "2 3 12.5 15 ")
    samples, _ = everything(rafdb.read(tmp_path))
    assert samples["rafdb/train_00001"].box == Box(x=2, y=3, width=10.5, height=12)
    assert samples["rafdb/train_00002"].box is None


def test_compound_labels_are_compounds_that_facs_knows(put: Put, tmp_path: Path) -> None:
    put("compound/EmoLabel/list_patition_label.txt", "train_0001.jpg 8\ntrain_0002.jpg 12\n")
    put("compound/Image/aligned/train_0001_aligned.jpg")
    samples, rejected = everything(rafdb.read_compound(tmp_path, "train"))
    assert samples["rafdb-compound/train_0001"].compound == "fearfully surprised"
    assert rejected[0].reason == "label 12 is unknown; the data set has 1 to 11"
    known = {compound.name for compound in facs.compounds()}
    assert set(published("rafdb-compound").compounds.values()) <= known


def test_what_is_missing_is_named_with_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"list_patition_label\.txt: not there, and RAF-DB needs it; ask for it at"):
        rafdb.read(tmp_path)
