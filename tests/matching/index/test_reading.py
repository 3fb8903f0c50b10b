from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from facevlm.config import asset_dir
from facevlm.errors import InputError
from facevlm.matching.index import Given, Index
from facevlm.matching.index.layout import DESCRIPTION, ENTRIES
from facevlm.matching.matcher import Matcher
from tests.matching.index.conftest import built, vector


def test_a_face_is_nearest_to_itself_then_to_the_likest(index: Index, matcher: Matcher, pictures: Path) -> None:
    near = index.nearest(vector(matcher, pictures / "plain" / "c.png"), 3)
    assert near[0].entry.picture == "plain/c.png" and near[0].likeness == pytest.approx(1, abs=1e-3)
    assert [each.likeness for each in near] == sorted((each.likeness for each in near), reverse=True)


def test_an_entry_says_where_the_face_is_and_its_label(index: Index, pictures: Path, matcher: Matcher) -> None:
    (near,) = index.nearest(vector(matcher, pictures / "plain" / "c.png"), 1)
    assert (near.entry.picture, near.entry.face, near.entry.label) == ("plain/c.png", 1, "neutral")
    assert near.entry.box.width > 40 and len(near.entry.sha256) == 64


def test_no_more_faces_are_given_than_there_are(index: Index, matcher: Matcher, pictures: Path) -> None:
    assert len(index.nearest(vector(matcher, pictures / "glad" / "a.png"), 50)) == 3


def test_only_wanted_faces_are_given(index: Index, matcher: Matcher, pictures: Path) -> None:
    near = index.nearest(vector(matcher, pictures / "glad" / "a.png"), 1, wanted=lambda entry: entry.label == "neutral")
    assert [each.entry.picture for each in near] == ["plain/c.png"]


def test_a_folder_that_is_no_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no index of faces; make one"):
        Index(tmp_path)


@pytest.mark.parametrize("damaged", [DESCRIPTION, ENTRIES, "faces.faiss"])
def test_a_damaged_index_is_refused_in_one_line(index: Index, tmp_path: Path, damaged: str) -> None:
    copy = shutil.copytree(index.folder, tmp_path / "copy")
    (copy / damaged).write_bytes((copy / damaged).read_bytes()[:60])
    with pytest.raises(InputError, match="build") as refused:
        Index(copy)
    assert "\n" not in str(refused.value)


def test_an_index_built_by_other_weights_is_refused(index: Index, matcher: Matcher, tmp_path: Path) -> None:
    copy = shutil.copytree(index.folder, tmp_path / "copy")
    told = json.loads((copy / DESCRIPTION).read_text()) | {"fingerprint": "0123456789ab"}
    (copy / DESCRIPTION).write_text(json.dumps(told))
    with pytest.raises(InputError, match=f"0123456789ab.*{matcher.fingerprint}.*build it again"):
        Index(copy).check(matcher)


def test_a_text_that_claims_an_action_unit_finds_the_face_that_measures_it(
    matcher: Matcher, pictures: Path, tmp_path: Path
) -> None:
    shutil.copytree(pictures, tmp_path / "both")
    rest = asset_dir("evals") / "suites" / "conversation" / "rest.jpg"
    shutil.copy(rest, tmp_path / "both" / "rest.jpg")
    given = (Given("rest.jpg"), Given("glad/a.png"))
    built(matcher, tmp_path / "both", tmp_path / "faces.index", given)
    first, second = Index(tmp_path / "faces.index").fitting(matcher, "the lip corners are raised", 2)
    assert (first.entry.picture, second.entry.picture) == ("glad/a.png", "rest.jpg")
    assert first.likeness > second.likeness + 0.3
