from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facevlm.data import ferplus as archives
from facevlm.data.readers import ferplus
from facevlm.errors import InputError
from tests.data.readers.conftest import Put, everything

BOX = '"(0, 0, 48, 48)"'


@pytest.fixture
def official(put: Put, tmp_path: Path) -> Path:
    for name in ("fer0000000.png", "fer0000001.png", "fer0000002.png"):
        put(f"FER2013Train/{name}")
    rows = (
        f"fer0000000.png,{BOX},4,0,0,1,3,2,0,0,0,0",
        f"fer0000001.png,{BOX},6,0,1,1,0,0,0,0,2,0",
        f"fer0000002.png,{BOX},many,0,0,0,0,0,0,0,0,0",
        f",{BOX},0,0,0,0,0,0,0,0,0,10",
        f"fer0000009.png,{BOX},6,0,1,1,0,0,0,0,2,0",
        "fer0000003.png",
    )
    put("FER2013Train/label.csv", "\n".join(rows))
    return tmp_path


def test_the_official_folders_give_majorities_and_distributions(official: Path) -> None:
    samples, _ = everything(ferplus.read(official))
    split, clear = samples["ferplus/fer0000000"], samples["ferplus/fer0000001"]
    assert (split.emotion, split.distribution) == (None, {"neutral": 0.4, "sadness": 0.1, "anger": 0.3, "disgust": 0.2})
    assert (clear.emotion, clear.distribution) == ("neutral", {"neutral": 0.75, "surprise": 0.125, "sadness": 0.125})
    assert (clear.image, clear.split, clear.details["unknown"]) == ("FER2013Train/fer0000001.png", "train", 2)


def test_bad_rows_are_named_and_the_others_read(official: Path) -> None:
    samples, rejected = everything(ferplus.read(official))
    assert len(samples) == 2
    assert {row.row: row.reason for row in rejected} == {
        3: "vote 'many' is not a number",
        4: "no picture is named",
        5: "no picture FER2013Train/fer0000009.png",
        6: "1 columns, not 12",
    }


def test_the_archives_agree_with_the_majority_that_training_takes(tmp_path: Path) -> None:
    votes = np.random.default_rng(0).multinomial(10, [0.55, 0.2, 0.05, 0.05, 0.05, 0.02, 0.02, 0.02, 0.02, 0.02], 200)
    names = np.array([f"fer{index:07}.png" for index in range(200)])
    np.savez(
        tmp_path / "train-0.npz", image=np.zeros((200, 48, 48), np.uint8), name=names, votes=votes.astype(np.uint8)
    )
    samples = list(ferplus.read(tmp_path, "train").samples)
    assert [sample.emotion for sample in samples] == archives.read(tmp_path, "train").labels()
    assert samples[0].image == "train-0.npz#fer0000000.png"


def test_an_archive_without_votes_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "valid.npz", name=np.array(["a.png"]))
    _, rejected = everything(ferplus.read(tmp_path, "valid"))
    assert str(rejected[0]) == f"{tmp_path / 'valid.npz'}: lacks the array votes"


def test_the_published_count_of_a_split_is_told(official: Path) -> None:
    assert ferplus.read(official).expected.samples == 28709


def test_what_is_missing_is_named_with_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"FER2013Valid/label\.csv: not there, and FER\+ needs it; labels from github"):
        ferplus.read(tmp_path, "valid")


def test_a_split_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="FER\\+ has no split 'val'; use one of train, valid, test"):
        ferplus.read(tmp_path, "val")
