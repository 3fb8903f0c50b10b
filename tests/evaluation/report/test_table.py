"""Figures as tables, which the page and Markdown share."""

from __future__ import annotations

from facevlm.evaluation.report import markdown, read, table
from facevlm.evaluation.report.facts import Report
from facevlm.evaluation.scores import Score
from tests.evaluation.made import HEADING, SCORES
from tests.evaluation.report.conftest import MakeRun


def _report(make_run: MakeRun, **fields: object) -> Report:
    return read(make_run(**fields))[0]


def test_a_figure_comes_with_its_interval_and_a_true_minus(make_run: MakeRun) -> None:
    assert table.figure(SCORES[0]) == "0.500 (0.100–0.900)"
    below = Score(metric="", value=-0.1, low=-0.2, high=0.05, condition="")
    assert table.figure(below) == "−0.100 (−0.200 to 0.050)"


def test_a_figure_that_is_not_defined_says_why(make_run: MakeRun) -> None:
    assert table.figure(SCORES[4]) == "– no positives"
    assert table.figure(None) == "–"


def test_the_headline_is_of_all_faces_under_the_heading_condition_beside_what_is_asked_for(make_run: MakeRun) -> None:
    of = table.headline([_report(make_run)])
    assert of.rows == (("accuracy", "0.500 (0.100–0.900)", "6", "higher", "at least 0.8"),)


def test_runs_side_by_side_have_a_column_each_and_a_dash_for_what_one_lacks(make_run: MakeRun) -> None:
    other = (Score(metric="macro-F1", value=0.3, n=5, condition=HEADING),)
    of = table.headline([_report(make_run), _report(make_run, model="qwen", figures=other)])
    assert of.head[1:3] == ("nano", "qwen")
    assert [row[1:4] for row in of.rows] == [("0.500 (0.100–0.900)", "–", "6"), ("–", "0.300", "5")]


def test_two_runs_of_one_model_are_told_apart_by_their_folders(make_run: MakeRun) -> None:
    one, other = _report(make_run), _report(make_run)
    assert table.names([one, other]) == [f"nano, {one.name}", f"nano, {other.name}"]
    assert table.names([one, one]) == [f"nano, {one.name} (1)", f"nano, {one.name} (2)"]
    for name in table.names([one, other]):
        assert f"## Concluded of faces of each emotion: {name}" in markdown.text([one, other])


def test_emotions_and_action_units_have_a_table_each_in_their_own_order(make_run: MakeRun) -> None:
    emotions, units = table.parts([_report(make_run)])
    assert emotions.rows == (("happiness", "0.750 (0.500–1.000)"),)
    assert [row[0] for row in units.rows] == ["AU 2", "AU 12"]


def test_conditions_and_groups_have_a_row_each(make_run: MakeRun) -> None:
    report = _report(make_run)
    (conditions,), (groups,) = table.conditions([report]), table.groups([report])
    assert conditions.rows == ((HEADING, "0.500 (0.100–0.900)"), ("blurred", "0.250 (0.000–0.600)"))
    assert groups.rows == (("dim", "1.000 (0.400–1.000)", "2"),)


def test_markdown_holds_the_tables_the_counts_of_confusion_and_the_exact_command(make_run: MakeRun) -> None:
    told = markdown.text([_report(make_run)])
    assert "| accuracy | 0.500 (0.100–0.900) | 6 | higher | at least 0.8 |" in told
    assert "| sadness | 0 | 1 | 0 | 1 |" in told
    assert "```sh\nfacevlm eval run made --data made\n```" in told


def test_what_a_model_is_called_cannot_add_markup(make_run: MakeRun) -> None:
    told = markdown.text([_report(make_run, model="a|b<script>")])
    assert r"a\|b\<script\>" in told and "<script>" not in told
