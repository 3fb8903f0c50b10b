from __future__ import annotations

from pathlib import Path

import pytest

from facevlm.data.readers import emotionet
from facevlm.data.sample import UnitLabel
from facevlm.errors import InputError
from tests.data.readers.conftest import Put, everything


def row(name: str, **codes: object) -> str:
    """A line of the challenge files: two addresses, then AU 1 to 60, not known but for those given."""
    units = [str(codes.get(f"AU{unit}", 999)) for unit in range(1, 61)]
    return "\t".join((f"http://example.org/images/{name}", "http://example.org/first.jpg", *units))


@pytest.fixture
def folder(put: Put, tmp_path: Path) -> Path:
    rows = (
        row("N_1.jpg", AU1=0, AU12=1, AU51=1),
        row("N_2.jpg", AU12=3),
        row("N_3.jpg", AU12=1),
        "http://example.org/N_1.jpg\t0",
    )
    put("dataFile_0001.txt", "\n".join(rows))
    put("test_labels.txt", row("N_9.jpg", AU12=1))
    put("images/a/N_1.jpg")
    put("images/N_2.jpg")
    put("images/N_9.jpg")
    return tmp_path


def test_unknown_is_not_absent(folder: Path) -> None:
    samples, _ = everything(emotionet.read(folder))
    (sample,) = samples.values()
    assert sample.aus == {1: UnitLabel(present=False), 12: UnitLabel(present=True)}
    assert (sample.image, sample.details) == ("images/a/N_1.jpg", {"other_aus": {"51": None}})


def test_bad_rows_and_pictures_not_fetched_are_named(folder: Path) -> None:
    _, rejected = everything(emotionet.read(folder))
    assert [(row.row, row.reason) for row in rejected] == [
        (2, "code 3 is unknown; 0, 1, 999 and -1 are known"),
        (3, "no picture N_3.jpg under images/"),
        (4, "2 columns, not 62"),
    ]


def test_the_test_split_is_read_only_when_asked_for(folder: Path) -> None:
    assert list(everything(emotionet.read(folder, "test"))[0]) == ["emotionet/N_9"]


def test_a_table_may_name_its_columns(put: Put, tmp_path: Path) -> None:
    put("labels.csv", "URL,AU 12,AU 4\nhttp://example.org/N_1.jpg,1,-1\n")
    put("images/N_1.jpg")
    (sample,) = everything(emotionet.read(tmp_path))[0].values()
    assert sample.aus == {12: UnitLabel(present=True)}


def test_what_is_missing_is_named_with_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"dataFile_0001\.txt: not there, and EmotioNet needs it"):
        emotionet.read(tmp_path)
