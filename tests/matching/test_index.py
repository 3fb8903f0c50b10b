from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from facevlm.config import asset_dir
from facevlm.errors import InputError
from facevlm.matching import cells, indexing
from facevlm.matching.index import DESCRIPTION, ENTRIES, Description, Entry, Index, beginning
from facevlm.matching.indexing import Given, Plan
from facevlm.matching.journal import Journal, Looked
from facevlm.matching.matcher import Matcher
from facevlm.types import Box

LABELLED = (Given("glad/a.png", "happiness"), Given("glad/b.png", "happiness"), Given("plain/c.png", "neutral"))


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory, astronaut: Path) -> Path:
    """One face as it is, mirrored and in other tones, a wall, and a file that is no picture."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "glad").mkdir()
    (folder / "plain").mkdir()
    face = Image.open(astronaut).convert("RGB").crop((128, 0, 352, 224))
    face.save(folder / "glad" / "a.png")
    ImageOps.mirror(face).save(folder / "glad" / "b.png")
    ImageOps.solarize(face, 160).save(folder / "plain" / "c.png")
    Image.new("RGB", (224, 224), "grey").save(folder / "plain" / "wall.png")
    (folder / "plain" / "broken.png").write_bytes(b"no picture")
    return folder


def planned(matcher: Matcher, pictures: Path, labels: str = "folder") -> Plan:
    return Plan(matcher=matcher.name, fingerprint=matcher.fingerprint, source=str(pictures), labels=labels)


def built(
    matcher: Matcher, pictures: Path, out: Path, given: Sequence[Given], told: list[str] | None = None
) -> Description:
    tell = (lambda line: None) if told is None else told.append
    return indexing.build(matcher, planned(matcher, pictures), given, pictures.joinpath, out, tell=tell)


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory, matcher: Matcher, pictures: Path) -> Index:
    folder = tmp_path_factory.mktemp("built") / "faces.index"
    built(matcher, pictures, folder, LABELLED)
    return Index(folder)


def vector(matcher: Matcher, picture: Path) -> np.ndarray:
    from facevlm.reasoning.seeing import find

    found = find(picture)
    return matcher.faces([matcher.crop(found.picture.image, found.faces[0])])[0]


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

    assert indexing.build(matcher, planned(matcher, pictures), LABELLED, opened, index.folder) == index.description


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
        patch.setattr(indexing, "BATCH", 1)
        indexing.build(matcher, plan, LABELLED, until_killed, out)
    with pytest.raises(InputError, match="cut short"):
        Index(out)
    indexing.build(matcher, plan, LABELLED, lambda name: seen.append(name) or pictures / name, out)
    assert seen == [each.picture for each in LABELLED]
    near = Index(out).nearest(vector(matcher, pictures / "plain" / "c.png"), 1)
    assert near[0].entry.picture == "plain/c.png"


def test_what_a_kill_left_half_written_is_taken_back(tmp_path: Path) -> None:
    entry = Entry(picture="a.png", sha256="0", face=1, box=Box(x=0, y=0, width=1, height=1))
    journal = Journal(tmp_path, 4)
    journal.add([Looked(picture="a.png", faces=(entry,))], np.ones((1, 4), np.float32))
    with (tmp_path / "looked.jsonl").open("a") as lines, (tmp_path / "vectors.f32").open("ab") as vectors:
        lines.write('{"picture": "b.p')
        vectors.write(b"12345")
    again = Journal(tmp_path, 4)
    assert (again.done, again.faces, again.vectors().shape) == ({"a.png"}, 1, (1, 4))
    again.add([Looked(picture="b.png", left_out=("no face",))], np.zeros((0, 4), np.float32))
    assert Journal(tmp_path, 4).done == {"a.png", "b.png"}


def test_a_line_whose_vectors_were_lost_is_looked_at_again(tmp_path: Path) -> None:
    entry = Entry(picture="a.png", sha256="0", face=1, box=Box(x=0, y=0, width=1, height=1))
    Journal(tmp_path, 4).add([Looked(picture="a.png", faces=(entry,))], np.zeros((0, 4), np.float32))
    assert Journal(tmp_path, 4).done == set()


def test_a_folder_that_holds_something_else_is_refused(matcher: Matcher, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "holiday.txt").write_text("plans")
    with pytest.raises(InputError, match="no index of faces"):
        built(matcher, pictures, tmp_path, LABELLED)


def test_an_index_of_other_labels_is_not_written_over(index: Index, matcher: Matcher, pictures: Path) -> None:
    with pytest.raises(InputError, match="other pictures, labels or weights"):
        indexing.build(matcher, planned(matcher, pictures, "none"), LABELLED, pictures.joinpath, index.folder)


def test_the_beginning_of_another_index_is_not_gone_on_with(matcher: Matcher, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "index"
    beginning(out).mkdir()
    (beginning(out) / "plan.json").write_text(planned(matcher, pictures, "none").model_dump_json())
    with pytest.raises(InputError, match="beginning of another index"):
        built(matcher, pictures, out, LABELLED)


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


def test_many_vectors_are_parted_into_cells_that_find_what_comparing_all_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "EXACT", 1000)
    rng = np.random.default_rng(0)
    many = rng.standard_normal((8000, 4)).astype(np.float32) @ rng.standard_normal((4, 16)).astype(np.float32)
    many = many / np.linalg.norm(many, axis=1, keepdims=True)
    asked = many[:50]
    found, probes = cells.arranged(many)
    _, near = cells.search(found, asked, 10, probes)
    truth = np.argsort(-asked @ many.T, axis=1)[:, :10]
    assert probes is not None and probes < found.nlist
    assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(near, truth, strict=True)]) > 0.95


def test_few_vectors_are_all_compared() -> None:
    _, probes = cells.arranged(np.eye(8, dtype=np.float32))
    assert probes is None


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
