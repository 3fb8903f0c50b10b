from __future__ import annotations

import json
from pathlib import Path

import pytest

from facevlm.data.readers import fea20k
from facevlm.data.sample import UnitLabel
from facevlm.errors import InputError
from tests.data.readers.conftest import Put, everything


def line(name: str, **more: object) -> str:
    fields = {
        "id": name,
        "dataset": "FABA",
        "image": f"{name}.jpg",
        "question": "<image>What shows?",
        "AUs": [],
        "labels": [],
    }
    return json.dumps(fields | {"description": "", "meta_info": {}} | more)


@pytest.fixture
def folder(put: Put, tmp_path: Path) -> Path:
    rows = (
        line("a", AUs=["AU1", "AU4", "AU32"], labels=["Sadness"], description="The brows slant."),
        line("b", is_valid=False),
        line("c", labels=["ecstasy"]),
        line("d", AUs=["brow"]),
        line("e", labels=["anger", "disgust"]),
        '{"id": "f", "data',
    )
    put("FABA-Train.jsonl", "\n".join(rows))
    put("FABA-Test.jsonl", line("t"))
    for name in "abcdet":
        put(f"{name}.jpg")
    return tmp_path


def test_a_row_keeps_its_units_its_label_and_its_text(folder: Path) -> None:
    sample = everything(fea20k.read(folder))[0]["fea20k/FABA/a"]
    assert sample.aus == {1: UnitLabel(present=True), 4: UnitLabel(present=True)}
    assert (sample.emotion, sample.question, sample.text) == ("sadness", "What shows?", "The brows slant.")
    assert sample.details == {"dataset": "FABA", "other_aus": {"32": None}}


def test_several_labels_are_kept_as_details(folder: Path) -> None:
    sample = everything(fea20k.read(folder))[0]["fea20k/FABA/e"]
    assert (sample.emotion, sample.details["labels"]) == (None, ["anger", "disgust"])


def test_invalid_rows_are_passed_over_and_bad_ones_named(folder: Path) -> None:
    samples, rejected = everything(fea20k.read(folder))
    assert list(samples) == ["fea20k/FABA/a", "fea20k/FABA/e"]
    assert [row.row for row in rejected] == [3, 4, 6]
    assert rejected[0].reason.startswith("label 'ecstasy' is unknown; use one of neutral")
    assert rejected[1].reason == "'brow' is not an action unit; write 12 or AU12"


def test_the_test_split_is_read_only_when_asked_for(folder: Path) -> None:
    assert list(everything(fea20k.read(folder, "test"))[0]) == ["fea20k/FABA/t"]


def test_what_is_missing_is_named_with_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"FABA-Train\.jsonl: not there, and FEA-20K needs it; annotations from"):
        fea20k.read(tmp_path)
