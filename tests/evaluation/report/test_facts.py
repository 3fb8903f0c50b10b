"""What a report says of a run: confusion, reliability, speed, what was lost; and what it must not say."""

from __future__ import annotations

from pathlib import Path

import pytest

from facevlm.errors import InputError
from facevlm.evaluation.report import committed, facts, read, write
from facevlm.evaluation.rows import Row
from tests.evaluation.made import SUITE, face, row
from tests.evaluation.report.conftest import MakeRun


def test_the_confusion_counts_every_labelled_face_and_those_without_an_answer_apart(make_run: MakeRun) -> None:
    report, _ = read(make_run())
    assert report.confusion is not None
    assert report.confusion.columns == ("happiness", "sadness", "fear", facts.NO_ANSWER)
    assert report.confusion.counts == ((1, 1, 0, 0), (0, 1, 0, 1), (0, 0, 1, 1))


def test_a_conclusion_outside_the_classes_of_the_suite_has_a_column(make_run: MakeRun) -> None:
    report, _ = read(make_run([row("a", "fear", face("anger"))]))
    assert report.confusion is not None
    assert report.confusion.columns == ("happiness", "sadness", "fear", "anger", facts.NO_ANSWER)
    assert report.confusion.counts[2] == (0, 0, 0, 1, 0)


def test_reliability_is_of_answers_of_about_the_same_sureness(make_run: MakeRun) -> None:
    sure = [row("a", "fear", face("fear", 0.90)), row("b", "fear", face("sadness", 0.92))]
    report, _ = read(make_run([*sure, row("c", "fear", face("fear", 0.5))]))
    assert [(each.n, each.right, round(each.sure, 2)) for each in report.reliability] == [(1, 1, 0.5), (2, 0.5, 0.91)]


def test_rows_of_other_conditions_and_draws_are_in_the_speed_alone(make_run: MakeRun, rows: list[Row]) -> None:
    others = [row("a", "fear", face("fear"), condition="blurred"), row("b", "fear", face("fear"), draw=1)]
    report, _ = read(make_run([*rows, *others]))
    assert report.confusion is not None and sum(map(sum, report.confusion.counts)) == len(rows)
    assert report.speed is not None and report.speed.answers == len(rows) + 2


def test_the_speed_is_answers_by_wall_time_and_the_time_of_one(make_run: MakeRun) -> None:
    report, _ = read(make_run())
    assert report.speed is not None
    assert (report.speed.rate, report.speed.median, report.speed.slowest) == (2.0, 0.1, 0.1)


def test_the_json_names_no_folder_of_the_machine_and_no_single_picture(make_run: MakeRun, tmp_path: Path) -> None:
    write([make_run(suite=SUITE.model_copy(update={"heat": "/somewhere/maps"}))], tmp_path)
    told = (tmp_path / "report.json").read_text() + (tmp_path / "report.md").read_text()
    assert "/somewhere" not in told and "secret.png" not in told and "interpretation" not in told
    assert "not a picture" in told


def test_the_json_reads_back_as_the_report_it_was_written_from(make_run: MakeRun, tmp_path: Path) -> None:
    folder = make_run()
    write([folder], tmp_path)
    assert committed(tmp_path / "report.json") == (read(folder)[0],)


def test_a_json_of_something_else_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("[]")
    with pytest.raises(InputError, match=r"report\.json: not of `facevlm eval report`"):
        committed(tmp_path / "report.json")


def test_a_folder_that_holds_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="facevlm eval run"):
        read(tmp_path)


def test_a_run_without_answers_has_neither_confusion_nor_speed(make_run: MakeRun) -> None:
    report, rows = read(make_run([]))
    assert (rows, report.confusion, report.reliability, report.speed) == ([], None, (), None)
