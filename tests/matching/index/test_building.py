from __future__ import annotations

from pathlib import Path

import pytest

from facevlm.errors import InputError
from facevlm.matching.index import Given, Index, building
from facevlm.matching.index.building import build
from facevlm.matching.index.layout import beginning
from facevlm.matching.matcher import Matcher
from facevlm.types import Box
from tests.matching.index.conftest import LABELLED, built, planned, vector


def test_pictures_that_cannot_be_used_are_named_and_counted(matcher: Matcher, pictures: Path, tmp_path: Path) -> None:
    told: list[str] = []
    given = [Given("plain/broken.png"), Given("plain/wall.png"), Given("gone.png"), Given("glad/a.png")]
    made = built(matcher, pictures, tmp_path / "index", given, told)
    assert (made.pictures, made.faces, made.labelled, made.left_out) == (4, 1, 0, 3)
    assert "broken.png" in told[0] and told[1] == "plain/wall.png: no face found" and "gone.png" in told[2]


def test_an_index_without_a_face_is_not_made(matcher: Matcher, pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no face could be used"):
        built(matcher, pictures, tmp_path / "index", [Given("plain/wall.png")])
    assert not (tmp_path / "index").exists()


def test_a_box_chooses_the_face_it_is_around(matcher: Matcher, pictures: Path, tmp_path: Path) -> None:
    right, wrong = Box(x=60, y=50, width=70, height=100), Box(x=0, y=0, width=20, height=20)
    told: list[str] = []
    made = built(
        matcher, pictures, tmp_path / "index", [Given("glad/a.png", "x", right), Given("glad/b.png", "x", wrong)], told
    )
    assert made.faces == 1 and told == ["glad/b.png: no face found at x 0, y 0"]


def test_a_finished_index_holds_no_picture_and_nothing_of_its_making(index: Index) -> None:
    assert sorted(file.name for file in index.folder.iterdir()) == ["entries.jsonl", "faces.faiss", "index.json"]
    assert not beginning(index.folder).exists()


def test_the_same_command_finds_a_finished_index_ready(index: Index, matcher: Matcher, pictures: Path) -> None:
    def opened(name: str) -> Path:
        raise AssertionError("looked at again")

    assert build(matcher, planned(matcher, pictures), LABELLED, opened, index.folder) == index.description


def test_a_run_that_was_cut_short_goes_on_where_it_was(matcher: Matcher, pictures: Path, tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    seen: list[str] = []

    def until_killed(name: str) -> Path:
        if name == LABELLED[2].picture:
            raise Killed
        seen.append(name)
        return pictures / name

    plan, out = planned(matcher, pictures), tmp_path / "index"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(building, "BATCH", 1)
        build(matcher, plan, LABELLED, until_killed, out)
    with pytest.raises(InputError, match="cut short"):
        Index(out)
    build(matcher, plan, LABELLED, lambda name: seen.append(name) or pictures / name, out)
    assert seen == [each.picture for each in LABELLED]
    near = Index(out).nearest(vector(matcher, pictures / "plain" / "c.png"), 1)
    assert near[0].entry.picture == "plain/c.png"


def test_a_folder_that_holds_something_else_is_refused(matcher: Matcher, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "holiday.txt").write_text("plans")
    with pytest.raises(InputError, match="no index of faces"):
        built(matcher, pictures, tmp_path, LABELLED)


def test_an_index_of_other_labels_is_not_written_over(index: Index, matcher: Matcher, pictures: Path) -> None:
    with pytest.raises(InputError, match="other pictures, labels or weights"):
        build(matcher, planned(matcher, pictures, "none"), LABELLED, pictures.joinpath, index.folder)


def test_the_beginning_of_another_index_is_not_gone_on_with(matcher: Matcher, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "index"
    beginning(out).mkdir()
    (beginning(out) / "plan.json").write_text(planned(matcher, pictures, "none").model_dump_json())
    with pytest.raises(InputError, match="beginning of another index"):
        built(matcher, pictures, out, LABELLED)
