from __future__ import annotations

from pathlib import Path

import pytest

from facevlm.data.readers import ckplus
from facevlm.data.sample import UnitLabel
from facevlm.errors import InputError
from facevlm.types import AU_CODES
from tests.data.readers.conftest import Put, everything

CODES = {
    "S005/001": "   1.0000000e+00   3.0000000e+00\n   1.7000000e+01   0.0000000e+00\n   38   2.0000000e+00\n",
    "S005/002": "   1.2000000e+01   5.0000000e+00\n   L14   2.0000000e+00\n",
    "S010/001": "   9.0000000e+00   4.0000000e+00\n",
}


@pytest.fixture
def folder(put: Put, tmp_path: Path) -> Path:
    for place, text in CODES.items():
        name = place.replace("/", "_")
        for frame in (1, 2, 11):
            put(f"cohn-kanade-images/{place}/{name}_{frame:08}.png")
        put(f"FACS/{place}/{name}_00000011_facs.txt", text)
    put("Emotion/S005/001/S005_001_00000011_emotion.txt", "   3.0000000e+00\n")
    put("Emotion/S010/001/S010_001_00000011_emotion.txt", "   8.0000000e+00\n")
    (tmp_path / "cohn-kanade-images/S011/001").mkdir(parents=True)
    return tmp_path


def test_the_last_frame_is_the_peak_with_whole_codes(folder: Path) -> None:
    peak = everything(ckplus.read(folder))[0]["ckplus/S005_001_00000011"]
    assert peak.emotion == "disgust"
    assert peak.aus is not None and set(peak.aus) == set(AU_CODES)
    assert peak.aus[1] == UnitLabel(present=True, intensity="C")
    assert peak.aus[17] == UnitLabel(present=True)  # 0 is not graded
    assert peak.aus[12] == UnitLabel(present=False)
    assert peak.details == {"other_aus": {"38": "B"}}


def test_the_first_frame_is_neutral_and_not_coded(folder: Path) -> None:
    first = everything(ckplus.read(folder))[0]["ckplus/S005_001_00000001"]
    assert (first.emotion, first.aus, first.group) == ("neutral", None, "S005")


def test_a_peak_whose_codes_cannot_be_read_whole_is_left_out(folder: Path) -> None:
    samples, rejected = everything(ckplus.read(folder))
    assert "ckplus/S005_002_00000011" not in samples and "ckplus/S005_002_00000001" in samples
    assert (rejected[0].row, rejected[0].reason) == (2, "action unit 'L14' is not a number")


def test_an_unknown_label_and_an_empty_sequence_are_named(folder: Path) -> None:
    _, rejected = everything(ckplus.read(folder))
    assert [row.reason for row in rejected[1:]] == [
        "label 8 is unknown; the data set has 0 to 7",
        "no picture in this sequence",
    ]


def test_what_is_missing_is_named_with_where_to_get_it(folder: Path) -> None:
    (folder / "FACS").rename(folder / "facs-labels")
    with pytest.raises(InputError, match=r"FACS: not there, and CK\+ needs it; ask for it at"):
        ckplus.read(folder)
