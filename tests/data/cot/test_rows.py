from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest

from facevlm.data.cot import parse
from facevlm.data.cot.ledger import Ledger
from facevlm.data.cot.measuring import measure
from facevlm.data.cot.rows import Plan, Subject, asked, compared, explained, moved, subject
from facevlm.data.sample import Sample, UnitLabel, line
from facevlm.errors import InputError
from facevlm.types import Box
from tests.data.cot.faces import units

SMILE = units(AU6="C", AU12="D")


def sample(name: str = "a", **fields: object) -> Sample:
    return Sample.model_validate({"id": name, "source": "made", "image": "a.png", "aus": SMILE} | fields)


def ready(**fields: object) -> Subject:
    return subject(sample(**fields), None)


def test_a_row_is_a_sample_with_a_question_and_a_text() -> None:
    (row,) = explained(ready(emotion="happiness"), Plan())
    assert row.question and row.text
    assert (row.source, row.image, row.aus) == ("made", "a.png", SMILE)


def test_a_row_carries_what_its_text_claims() -> None:
    (row,) = explained(ready(emotion="happiness"), Plan())
    assert [claim["au"] for claim in row.details["claims"]] == [6, 12]
    assert row.details["claims"] == [claim.model_dump() for claim in parse(row.text or "").claims]


def test_a_short_row_answers_the_prompt_of_the_small_model_in_json() -> None:
    (row,) = explained(ready(emotion="happiness"), Plan(form="short"))
    assert row.question == "explain"
    assert json.loads(row.text or "")["emotion"] == "happiness"


def test_rows_of_one_face_have_ids_and_texts_of_their_own() -> None:
    plan = Plan(per_face=5, questions=5)
    rows = [*explained(ready(emotion="happiness"), plan), *asked(ready(emotion="happiness"), plan)]
    assert [row.id for row in rows] == plan.ids(sample())
    assert len({row.text for row in rows}) == 10


def test_the_same_seed_makes_the_same_rows_and_another_seed_others() -> None:
    one, again, other = (list(explained(ready(emotion="happiness"), Plan(seed=seed))) for seed in (1, 1, 2))
    assert one == again
    assert one[0].text != other[0].text


def test_the_likeliest_emotion_of_a_distribution_is_the_label() -> None:
    label = ready(distribution={"sadness": 0.4, "fear": 0.6}).label
    assert label is not None and label.emotion == "fear"


def test_without_a_label_a_whole_prototype_is_read_and_nothing_else_made_up() -> None:
    read, unread = ready().label, ready(aus={4: UnitLabel(present=True)}).label
    assert read is not None and read.emotion == "happiness"
    assert unread is None


def test_a_sample_without_action_units_is_refused_with_the_remedy() -> None:
    with pytest.raises(InputError, match="--aus measured"):
        ready(aus=None)


def test_two_faces_of_a_picture_are_compared_by_their_numbers_of_size() -> None:
    small = ready(name="small", box=Box(x=0, y=0, width=10, height=10))
    large = ready(name="large", box=Box(x=20, y=0, width=30, height=30))
    (row,) = compared([small, large], Plan(questions=1))
    assert row.box is None and row.details["faces"] == {"1": "large", "2": "small"}


def test_a_relative_picture_is_found_from_the_new_folder() -> None:
    assert moved(sample(image="img/a.png"), Path("data"), Path("out")).image == "../data/img/a.png"


def test_a_face_is_measured_on_its_picture(astronaut: Path) -> None:
    face = measure(sample(image=astronaut.name), astronaut.parent)
    measured = subject(sample(), face).coding
    assert 12 in measured.seen


def test_a_picture_without_a_face_where_the_box_is_is_refused(astronaut: Path) -> None:
    with pytest.raises(InputError, match="no face is found in 20×20 at 0, 400"):
        measure(sample(image=astronaut.name, box=Box(x=0, y=400, width=20, height=20)), astronaut.parent)


def test_a_ledger_adds_what_it_does_not_have(tmp_path: Path) -> None:
    rows = list(explained(ready(emotion="happiness"), Plan(per_face=3)))
    assert Ledger(tmp_path / "out.jsonl").add(rows[:2]) == 2
    again = Ledger(tmp_path / "out.jsonl")
    assert again.add(rows) == 1
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 3


def test_a_ledger_takes_back_a_line_that_was_cut_short(tmp_path: Path) -> None:
    rows = list(explained(ready(emotion="happiness"), Plan(per_face=2)))
    file = tmp_path / "out.jsonl"
    Ledger(file).add(rows)
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    Ledger(file).add(rows)
    assert file.read_bytes() == whole


def test_a_full_disk_is_told_in_one_line_and_the_next_run_goes_on(tmp_path: Path) -> None:
    rows = list(explained(ready(emotion="happiness"), Plan(per_face=3)))
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(line(rows[0])) + 100, unlimited[1]))
    try:
        with pytest.raises(InputError, match=r"out.jsonl: cannot be written \(File too large\); free space"):
            Ledger(tmp_path / "out.jsonl").add(rows)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert Ledger(tmp_path / "out.jsonl").add(rows) == 2
