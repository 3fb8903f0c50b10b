from __future__ import annotations

from pathlib import Path

import pytest

from facevlm.data.readers import disfa
from facevlm.data.sample import UnitLabel
from facevlm.errors import InputError
from tests.data.readers.conftest import Put, everything

UNITS = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)


@pytest.fixture
def folder(put: Put, tmp_path: Path) -> Path:
    for unit in UNITS:
        put(f"ActionUnit_Labels/SN001/SN001_au{unit}.txt", "1,0\n2,0\n3,0\n")
    put("ActionUnit_Labels/SN001/SN001_au12.txt", "1,1\n2,2\n3,5\n")
    put("ActionUnit_Labels/SN001/SN001_au4.txt", "1,0\n2,9\nthree,0\n")
    (tmp_path / "ActionUnit_Labels/SN001/SN001_au26.txt").unlink()
    put("Images/SN001/00001.png")
    put("Images/SN001/LeftVideoSN001_comp_0002.png")
    return tmp_path


def test_an_action_unit_is_present_from_2_and_a_trace_is_told(folder: Path) -> None:
    samples, _ = everything(disfa.read(folder))
    faint, smiling = samples["disfa/SN001/00001"], samples["disfa/SN001/LeftVideoSN001_comp_0002"]
    assert faint.aus is not None and faint.aus[12] == UnitLabel(present=False)
    assert faint.details == {"traces": [12]}
    assert smiling.aus is not None and smiling.aus[12] == UnitLabel(present=True, intensity="B")
    assert smiling.group == "SN001"


def test_what_is_not_graded_is_neither_present_nor_absent(folder: Path) -> None:
    samples, _ = everything(disfa.read(folder))
    aus = samples["disfa/SN001/LeftVideoSN001_comp_0002"].aus
    assert aus is not None and 4 not in aus and 26 not in aus and 6 in aus


def test_bad_lines_missing_files_and_missing_frames_are_named(folder: Path) -> None:
    _, rejected = everything(disfa.read(folder))
    assert [(row.row, row.reason) for row in rejected] == [
        (2, "intensity 9 is not between 0 and 5"),
        (3, "frame 'three' is not a number"),
        (0, "AU 26 is not graded for this person"),
        (0, "1 graded frames have no picture"),
    ]


def test_the_way_to_the_frames_is_told_where_there_are_none(folder: Path) -> None:
    (folder / "Images").rename(folder / "Videos")
    with pytest.raises(InputError, match=r"Images: not there, and DISFA needs it; .*ffmpeg -i"):
        disfa.read(folder)


def test_a_data_set_without_splits_has_no_test(folder: Path) -> None:
    with pytest.raises(InputError, match="DISFA has no split 'test'; use one of train"):
        disfa.read(folder, "test")
