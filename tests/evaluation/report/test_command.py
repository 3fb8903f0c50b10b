"""`facevlm eval report` and `facevlm eval fairness` as commands: what they print, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from facevlm.cli.eval import app
from facevlm.evaluation.fairness import FAIRNESS
from tests.evaluation.made import face, row
from tests.evaluation.report.conftest import MakeRun


def _run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(each) for each in words])


def test_a_report_goes_into_the_folder_of_its_run_and_its_page_is_printed(make_run: MakeRun) -> None:
    pytest.importorskip("plotly", reason="plotly draws the charts; pip install 'facevlm[eval]'")
    folder = make_run()
    assert _run("report", folder).stdout == f"{folder / 'report.html'}\n"
    assert {"report.html", "report.md", "report.json"} <= {each.name for each in folder.iterdir()}


def test_several_runs_want_a_folder_for_their_report(make_run: MakeRun) -> None:
    assert "--out" in str(_run("report", make_run(), make_run()).exception)


def test_groups_are_compared_by_what_the_data_set_tells_and_reported(make_run: MakeRun) -> None:
    rows = [
        row(f"{name}{each}", "fear", face("fear" if each < right else "sadness"), group={"light": name})
        for name, right in (("bright", 30), ("dim", 15))
        for each in range(30)
    ]
    folder = make_run(rows)
    told = json.loads(_run("fairness", folder, "--by", "light", "--format", "json").stdout)
    assert [(each["best"], each["worst"], each["value"]) for each in told["gaps"]][1] == ("bright", "dim", 0.5)
    assert (folder / FAIRNESS).is_file()


def test_a_property_that_no_face_has_is_told_with_those_there_are(make_run: MakeRun) -> None:
    folder = make_run([row("a", "fear", face("fear"), group={"light": "dim"})])
    assert "tells light" in str(_run("fairness", folder, "--by", "camera").exception)


def test_a_run_of_other_pictures_without_groups_is_refused(make_run: MakeRun) -> None:
    assert "--by NAME" in str(_run("fairness", make_run()).exception)


def test_pictures_of_which_no_tone_can_be_measured_are_counted(make_run: MakeRun, tmp_path: Path) -> None:
    folder = make_run([row("a", "fear", face("fear"), image=str(tmp_path / "gone.png"))])
    assert "of 1 of 1 pictures" in _run("fairness", folder, "--tone").stderr
