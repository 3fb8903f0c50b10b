"""The ladder: which rung is compared with which, and a short one from beginning to end."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import ladder
import numpy as np
import pytest
from answers import Pictures

from facevlm.evaluation.metrics import Measure, emotion
from facevlm.evaluation.metrics.measure import average


def test_each_rung_is_compared_with_the_one_before_it_in_its_flight() -> None:
    below = {rung.name: rung.below for rung in ladder.ladder("nano", ["a"], ["b"])}
    assert below == {
        "base alone": None, "+ LoRA": "base alone", "+ GRPO": "+ LoRA",
        "marks: plain": None, "marks: box": "marks: plain", "marks: number": "marks: box",
        "marks: landmarks": "marks: number",
        "cues told": None, "cues withheld": "cues told",
        "label last": None, "label first": "label last",
        "label explained": None, "label only": "label explained",
    }  # fmt: skip


def test_without_a_reinforced_adapter_there_is_no_rung_of_one() -> None:
    assert "+ GRPO" not in {rung.name for rung in ladder.ladder("nano", ["a"], [])}


def test_rungs_ask_as_their_names_say() -> None:
    rungs = {rung.name: rung.askings[0] for rung in ladder.ladder("nano", ["a"], ["b"])}
    assert rungs["base alone"].adapter == "none"
    assert rungs["+ GRPO"].adapter == "b"
    assert rungs["marks: box"].marks == "box"
    assert rungs["cues withheld"].told == "withheld"
    assert rungs["label first"].prompt == "sov-label-first"
    assert rungs["label only"].prompt == "sov-label"
    assert rungs["+ LoRA"] == rungs["label last"] == rungs["cues told"] == rungs["marks: landmarks"]


def test_the_faces_are_the_same_whatever_their_order() -> None:
    names = [f"fer{index}.png" for index in range(50)]
    chosen = [list(ladder.fixed(Pictures("made", each, str), 10).ids) for each in (names, names[::-1])]
    assert chosen[0] == chosen[1]
    assert chosen[0] != names[:10]


def test_the_first_of_a_smaller_choice_are_those_of_a_larger_one() -> None:
    pictures = Pictures("made", [f"fer{index}.png" for index in range(50)], str)
    assert ladder.fixed(pictures, 20).ids[:10] == ladder.fixed(pictures, 10).ids


def test_a_gain_is_the_mean_over_adapters_each_against_its_own() -> None:
    def stood(right: int) -> dict[str, Measure]:
        hits = np.arange(100) < right
        labels = emotion.macro_f1(np.where(hits, 0, 1), np.zeros(100, int))
        pooled = average(hits)
        return {"accuracy": pooled, "macro-F1": labels, "faithfulness": pooled, "coverage": pooled}

    gained = ladder.gained([stood(80), stood(90)], [stood(70), stood(70)])
    assert gained["accuracy"].value == pytest.approx(0.15)
    assert gained["accuracy"].each == pytest.approx((0.1, 0.2))
    assert ladder.gained([stood(80), stood(90)], [stood(70)])["faithfulness"].each == pytest.approx((0.1, 0.2))


@pytest.mark.slow
def test_a_ladder_of_a_few_faces_from_beginning_to_end(
    nano: Path,
    data_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folders = ["--data", data_folder, "--work", tmp_path, "--out", tmp_path]
    monkeypatch.setattr(sys, "argv", ["evals/ladder.py", *map(str, folders), "--limit", "3"])
    ladder.main()
    said = capsys.readouterr().out
    assert said.startswith("3 faces of FER+ validation")
    rows = [line.split(" | ") for line in said.splitlines() if line.startswith("| ")]
    assert [row[0].removeprefix("| ") for row in rows[1:3]] == ["base alone", "+ LoRA"]
    assert rows[2][1] == "base alone"
    figures = {each["what"]: each for each in json.loads((tmp_path / "ladder.json").read_text())}
    assert figures["+ LoRA: accuracy"]["n"] == 3
    assert "+ LoRA: accuracy less that of base alone" in figures
    assert figures["label only: faithfulness"]["figure"] is None  # it makes no claims
