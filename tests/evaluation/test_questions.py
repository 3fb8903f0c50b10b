"""What a suite asks about: any data set, in a fixed order, nothing lost for one bad row."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facevlm.errors import InputError
from facevlm.evaluation.questions import load, narrowed
from facevlm.evaluation.suite import Pictures, Suite

Own = Callable[..., Path]


def test_json_lines_of_ones_own_are_a_data_set(suite: Suite, own: Own) -> None:
    questions = load(suite, own({"emotion": "happiness", "group": "ann"}, {"emotion": "fear", "light": "dim"}))
    assert [item.id for item in questions.items] == ["face-0", "face-1"]
    assert [item.truth.face.emotion for item in questions.items] == ["happiness", "fear"]
    assert [item.group for item in questions.items] == [{"subject": "ann"}, {"light": "dim"}]
    assert questions.data.shown


def test_emotion_words_of_a_line_are_the_reference_of_an_open_vocabulary(suite: Suite, own: Own) -> None:
    words = suite.model_copy(update={"task": "vocabulary"})
    (item,) = load(words, own({"labels": ["afraid", "tense"]}, {"emotion": "fear"})).items
    assert item.truth.face.labels == ("afraid", "tense")


def test_the_official_folder_of_ferplus_is_read(tmp_path: Path, portrait: Image.Image) -> None:
    folder = tmp_path / "FER2013Valid"
    folder.mkdir()
    portrait.resize((48, 48)).save(folder / "fer0000001.png")
    (folder / "label.csv").write_text('fer0000001.png,"(0, 0, 48, 48)",0,10,0,0,0,0,0,0,0,0\n')
    suite = Suite(name="f", title="f", task="emotion", data={"ferplus": "valid"})
    questions = load(suite, tmp_path)
    assert questions.items[0].truth.face.votes == {"happiness": 1.0}
    assert not questions.data.shown
    assert questions.items[0].image is None


def test_archives_of_ferplus_are_read(tmp_path: Path) -> None:
    votes = np.zeros((1, 10), np.uint8)
    votes[0, 1] = 10
    np.savez(tmp_path / "valid.npz", image=np.zeros((1, 48, 48), np.uint8), name=np.array(["a.png"]), votes=votes)
    suite = Suite(name="f", title="f", task="emotion", data={"ferplus": "valid"})
    assert load(suite, tmp_path).items[0].open().size == (48, 48)


def test_rendered_groups_are_asked_about_once_a_picture(tmp_path: Path) -> None:
    box = {"x": 1, "y": 2, "width": 3, "height": 4}
    rows = [{"id": f"g-{n}", "source": "synth/groups", "image": "images/0.jpg", "box": box} for n in range(3)]
    (tmp_path / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (item,) = load(Suite(name="c", title="c", task="counts"), tmp_path).items
    assert (item.id, item.truth.count, len(item.truth.faces)) == ("images/0.jpg", 3, 3)


def test_pictures_that_ship_need_no_data() -> None:
    suite = Suite(name="c", title="c", task="counts", pictures=Pictures(shipped="sheets"))
    items = load(suite).items
    assert {item.truth.count for item in items} == set(range(13))
    assert all(len(item.truth.faces) == item.truth.count for item in items)


def test_bad_rows_are_told_and_the_rest_is_asked_about(suite: Suite, own: Own) -> None:
    questions = load(suite, own({"emotion": "fear"}, {"emotion": "joyous"}, "not json", {"emotion": "anger"}))
    assert [item.truth.face.emotion for item in questions.items] == ["fear", "anger"]
    assert [lost.id for lost in questions.lost] == ["faces.jsonl:2", "faces.jsonl:3"]
    assert "label 'joyous' is unknown" in questions.lost[0].reason


def test_of_two_rows_with_one_id_the_first_counts(suite: Suite, own: Own) -> None:
    questions = load(suite, own({"emotion": "fear", "id": "a"}, {"emotion": "anger", "id": "a"}))
    assert [item.truth.face.emotion for item in questions.items] == ["fear"]
    assert [(lost.id, "this id" in lost.reason) for lost in questions.lost] == [("a", True)]


def test_faces_of_a_class_the_suite_does_not_have_are_counted_and_left_out(suite: Suite, own: Own) -> None:
    seven = suite.model_copy(update={"emotions": ("happiness", "fear")})
    questions = load(seven, own({"emotion": "happiness"}, {"emotion": "contempt"}))
    assert (len(questions.items), questions.outside) == (1, 1)


def test_an_empty_class_is_told(suite: Suite, own: Own) -> None:
    two = suite.model_copy(update={"emotions": ("happiness", "fear")})
    assert load(two, own({"emotion": "happiness"})).notices == ["no face is labelled fear: no figures of it"]


def test_an_action_unit_nobody_shows_is_told(suite: Suite, own: Own) -> None:
    units = suite.model_copy(update={"task": "units", "units": (6, 12)})
    assert load(units, own({"aus": {"12": "D", "6": 0}})).notices == ["no face shows AU 6: left out of the mean"]


def test_a_data_set_that_is_not_there_is_told_with_what_the_suite_needs(suite: Suite, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"needs data \(faces of your own as JSON lines\)"):
        load(suite)
    with pytest.raises(InputError, match="there is no such folder"):
        load(suite, tmp_path / "nowhere")


def test_a_missing_split_is_told_with_those_there_are(tmp_path: Path) -> None:
    row = {"id": "a", "source": "x", "image": "a.png", "split": "train", "emotion": "fear"}
    (tmp_path / "samples.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(InputError, match="no sample is of split 'test'; there are train"):
        load(Suite(name="e", title="e", task="emotion"), tmp_path, split="test")
    ferplus = Suite(name="f", title="f", task="emotion", data={"ferplus": "holdout"})
    with pytest.raises(InputError, match="no split 'holdout'; use one of train, valid, test"):
        load(ferplus, tmp_path, reader="ferplus")


def test_data_without_what_is_asked_about_is_refused(suite: Suite, own: Own) -> None:
    with pytest.raises(InputError, match="none of its 1 samples has what made asks about; check --data"):
        load(suite, own({"aus": [12]}))


def test_a_refusal_tells_the_first_reasons_each_once(suite: Suite, own: Own) -> None:
    rows = ({"aus": [12], "id": "a"}, {"id": "a"}, {"emotion": "joyous"}, {"emotion": "joyous"}, "not json", "[]")
    with pytest.raises(InputError) as refused:
        load(suite, own(*rows))
    told = str(refused.value)
    assert "none of its 1 samples has what made asks about (faces.jsonl:3: label 'joyous' is unknown" in told
    assert "· faces.jsonl:5: the line is not JSON · faces.jsonl:6: not a face with an image)" in told
    with pytest.raises(InputError, match=r"holds no face that can be used \(faces.jsonl:1: no picture gone.png\)"):
        load(suite, own({"image": "gone.png"}))


def test_a_file_is_ones_own_and_its_own_fault_is_told(suite: Suite, tmp_path: Path) -> None:
    (tmp_path / "faces.csv").write_text("picture,emotion\na.png,fear\n")
    either = suite.model_copy(update={"data": {"rafdb": "test", "own": "test"}})
    with pytest.raises(InputError, match="does not name the column image"):
        load(either, tmp_path / "faces.csv")


def test_shuffling_by_a_seed_gives_one_order_and_a_limit_the_first_of_it(suite: Suite, own: Own) -> None:
    questions = load(suite, own(*({"emotion": "fear"} for _ in range(20))))
    one, again, other = (narrowed(questions, 5, seed) for seed in (1, 1, 2))
    assert [item.id for item in one.items] == [item.id for item in again.items]
    assert [item.id for item in one.items] != [item.id for item in other.items]
    assert one.data.sha256 == again.data.sha256 != other.data.sha256
