from __future__ import annotations

from pathlib import Path

import pytest

from facevlm.data.readers import bp4d
from facevlm.data.sample import UnitLabel
from facevlm.errors import InputError
from tests.data.readers.conftest import Put, everything

TABLE = "0,1,2,12,34\n2440,0,9,1,1\n2441,0,9,7,0\n2442,0,9\n2450,0,0,0,0\n"


@pytest.fixture
def folder(put: Put, tmp_path: Path) -> Path:
    put("AUCoding/AU_OCC/F001_T1.csv", TABLE)
    put("AUCoding/AU_OCC/M002_T3.csv", TABLE)
    for frame in (2440, 2441, 2442):
        put(f"F001/T1/0{frame}.jpg")
    return tmp_path


def test_unknown_is_not_absent(folder: Path) -> None:
    sample = everything(bp4d.read(folder))[0]["bp4d/F001_T1_2440"]
    assert sample.aus == {1: UnitLabel(present=False), 12: UnitLabel(present=True)}
    assert (sample.image, sample.group) == ("F001/T1/02440.jpg", "F001")
    assert sample.details == {"task": "T1", "other_aus": {"34": None}}


def test_bad_rows_and_missing_pictures_are_named(folder: Path) -> None:
    samples, rejected = everything(bp4d.read(folder))
    assert len(samples) == 1
    assert [(row.row, row.reason) for row in rejected] == [
        (3, "code 7 is unknown; 0, 1 and 9 are known"),
        (4, "3 columns, not 5"),
        (5, "frame 2450 has no picture"),
        (0, "no folder M002/T3 of pictures"),
    ]


def test_pictures_may_lie_in_the_folder_they_are_shipped_in(put: Put, tmp_path: Path) -> None:
    put("AUCoding/F001_T1.csv", "0,1\n1,1\n")
    put("BP4D-training/F001/T1/001.jpg")
    assert everything(bp4d.read(tmp_path))[0]["bp4d/F001_T1_1"].image == "BP4D-training/F001/T1/001.jpg"


def test_what_is_missing_is_named_with_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"F001_T1\.csv: not there, and BP4D needs it; ask for it at"):
        bp4d.read(tmp_path)
