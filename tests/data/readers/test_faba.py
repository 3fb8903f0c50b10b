from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from facevlm.data.readers import faba
from facevlm.data.sample import UnitLabel
from facevlm.errors import InputError
from tests.data.readers.conftest import Put, everything


def entry(name: str, answer: str) -> dict[str, Any]:
    turns = [{"from": "human", "value": "What is seen?\n<image>"}, {"from": "gpt", "value": answer}]
    image = f"FABAInstruct/train/images/{name}.jpg"
    return {"source": "AffectNet", "image": image, "id": f"AffectNet/{name}", "conversations": turns}


@pytest.fixture
def folder(put: Put, tmp_path: Path) -> Path:
    coded = [
        entry("a", "1. AU4 - Brow Lowerer: drawn together.\n2. AU 38 - Nostril Dilator."),
        {"id": "b"},
        entry("c", ""),
    ]
    put("FABAInstruct/train/train_au_anno.json", json.dumps(coded))
    put("FABAInstruct/train/train_emotion_anno.json", json.dumps([entry("a", "A gentle expression; AU12 shows.")]))
    put("FABAInstruct/eval/eval_au_anno.json", '[{"cut short')
    put("FABAInstruct/train/images/a.jpg")
    return tmp_path


def test_question_and_answer_are_kept_and_the_picture_tag_is_not(folder: Path) -> None:
    sample = everything(faba.read(folder))[0]["faba/AffectNet/a/emotion"]
    assert (sample.question, sample.text) == ("What is seen?", "A gentle expression; AU12 shows.")
    assert (sample.emotion, sample.aus) == (None, None)
    assert sample.image == "FABAInstruct/train/images/a.jpg"


def test_units_named_in_an_answer_are_present_and_none_is_absent(folder: Path) -> None:
    sample = everything(faba.read(folder))[0]["faba/AffectNet/a/au"]
    assert sample.aus == {4: UnitLabel(present=True)}
    assert sample.details == {"other_aus": {"38": None}}


def test_bad_entries_are_named_and_the_others_read(folder: Path) -> None:
    _, rejected = everything(faba.read(folder))
    assert [(row.row, row.reason) for row in rejected] == [
        (2, "needs id, image and conversations of a question and an answer"),
        (3, "no picture FABAInstruct/train/images/c.jpg"),
    ]


def test_a_file_cut_short_is_named(folder: Path) -> None:
    samples, (rejected,) = everything(faba.read(folder, "test"))
    assert not samples and rejected.reason.startswith("not JSON")


def test_what_is_missing_is_named_with_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"train_emotion_anno\.json: not there, and FABA-Instruct needs it; follow"):
        faba.read(tmp_path)
