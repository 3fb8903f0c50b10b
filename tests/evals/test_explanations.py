"""The report on explanations: its own figures by hand, and the whole of it on a few faces."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import answers
import explanations
import numpy as np
import pytest
from answers import Asking
from explanations import Study

from facevlm.evaluation.intervals import Figure
from facevlm.types import AU_CODES


def test_the_cost_of_explaining_is_positive_where_the_label_alone_is_better() -> None:
    alone, explained = np.arange(100) < 80, np.arange(100) < 70
    figure = explanations.cost(alone, explained)
    assert figure.value == pytest.approx(0.1)
    assert 0 < figure.low < 0.1 < figure.high


def test_a_render_shows_a_unit_from_b_on_either_side(work_folder: Path) -> None:
    (first, _) = answers.synthetic_suite(work_folder, Path("no-rig.npz"))[1].values()
    moves = {"12": [0.0, 0.2], "4": [0.19, 0.19]}
    faint = first.model_copy(update={"details": {"moves": moves}})
    true = explanations.shown([first, faint])
    assert [AU_CODES[row] for row in true[0].nonzero()[0]] == [6, 12]
    assert [AU_CODES[row] for row in true[1].nonzero()[0]] == [12]


def test_a_unit_measures_by_its_stronger_side(face: Any) -> None:
    units = dict.fromkeys(AU_CODES) | {12: 0.15, 25: 0.4, 4: 0.1}
    one_sided = face(action_units=units, action_unit_sides={12: {"left": 0.3, "right": 0.0}})
    measured = explanations.measured([one_sided, None])
    assert [AU_CODES[row] for row in measured[0].nonzero()[0]] == [12, 25]
    assert not measured[1].any()


def test_several_adapters_give_a_line_of_their_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    def accuracy(study: Study) -> Any:
        value = {"one": 0.8, "two": 0.9}[study.asking.adapter]
        yield "accuracy", Figure(value, value - 0.01, value + 0.01, 10), "0.82"

    monkeypatch.setattr(explanations, "accuracy", accuracy)
    studies = [Study(Asking(name), argparse.Namespace()) for name in ("one", "two")]
    ((what, figure, least),) = explanations.averaged(studies)
    assert (what, least) == ("accuracy, mean of two seeds", "0.82")
    assert figure.value == pytest.approx(0.85)
    assert figure.each == (0.8, 0.9)


@pytest.mark.slow
def test_a_report_of_a_few_faces_from_beginning_to_end(
    nano: Path,
    data_folder: Path,
    work_folder: Path,
    arrays: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folders = ["--data", data_folder, "--work", work_folder, "--arrays", arrays, "--out", tmp_path]
    monkeypatch.setattr(sys, "argv", ["evals/explanations.py", *map(str, folders), "--show"])
    explanations.main()
    said = capsys.readouterr().out
    figures = json.loads((tmp_path / "explanations.json").read_text())
    told = {each["what"]: each for each in figures}
    assert told["FER+ validation, strict majority, n = 6: faces found"]["figure"] == pytest.approx(5 / 6)
    assert {"what", "figure", "low", "high", "n", "command"} == set(figures[0])
    assert sum(line.startswith("| ") for line in said.splitlines()) == len(figures) + 1
    assert "withheld: faithfulness" in said
    assert '"observations":[' in said  # --show
    assert (tmp_path / "explanations.md").read_text().startswith("# Explanations\n\n`python evals/explanations.py")
    monkeypatch.setattr(answers, "_loaded", None)  # a second run asks no model
    explanations.main()
    assert json.loads((tmp_path / "explanations.json").read_text()) == figures


def test_missing_data_is_said_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["evals/explanations.py", "--data", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        explanations.main()
    assert ended.value.code == 2
    assert "no FER+ valid archive here" in capsys.readouterr().err
