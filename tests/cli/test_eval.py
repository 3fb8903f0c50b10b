"""`facevlm eval`: a run from beginning to end against a server, scored, compared, listed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def faces(astronaut: Path, tmp_path: Path) -> Path:
    portrait = Image.open(astronaut).convert("RGB").crop((165, 50, 285, 170))
    rows = []
    for number, label in enumerate(("happiness", "happiness", "fear")):
        portrait.rotate(number).save(tmp_path / f"{number}.png")
        rows.append({"id": f"f{number}", "image": f"{number}.png", "emotion": label})
    file = tmp_path / "faces.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_a_server_is_evaluated_on_faces_of_ones_own(facevlm: Any, endpoint: Any, faces: Path, tmp_path: Path) -> None:
    words = ("eval", "run", "emotion-8", "--data", faces, "--out", tmp_path / "run", *endpoint.options)
    done = facevlm(*words)
    assert done.status == 0, done.err
    assert "0.667" in next(line for line in done.out.splitlines() if "  accuracy " in line)
    assert "no face is labelled neutral" in done.err
    asked = endpoint.asked
    again = facevlm(*words)
    assert (again.status, again.out) == (0, done.out)
    assert endpoint.asked == asked == 3
    scored = facevlm("eval", "score", tmp_path / "run")
    assert scored.out == done.out
    told = json.loads((tmp_path / "run" / "run.json").read_text())
    assert told["command"].startswith("facevlm ")


def test_another_prompt_under_a_run_is_refused_with_one_line(
    facevlm: Any, endpoint: Any, faces: Path, tmp_path: Path
) -> None:
    words = ("eval", "run", "emotion-8", "--data", faces, "--out", tmp_path / "run", *endpoint.options)
    facevlm(*words)
    refused = facevlm(*words, "--prompt", "sov-label")
    assert refused.status == 2
    assert "holds a run with another prompt" in refused.complaints[-1]
    assert "Traceback" not in refused.err


def test_two_runs_are_compared_as_a_table_and_as_json(facevlm: Any, endpoint: Any, faces: Path, tmp_path: Path) -> None:
    for name in "ab":
        facevlm("eval", "run", "emotion-8", "--data", faces, "--out", tmp_path / name, *endpoint.options)
    table = facevlm("eval", "compare", tmp_path / "a", tmp_path / "b")
    assert "B − A" in table.out
    assert "McNemar" in table.err
    found = json.loads(facevlm("eval", "compare", tmp_path / "a", tmp_path / "b", "--format", "json").out)
    assert (found["n"], found["flipped"]) == (3, [])


def test_the_answers_of_a_batch_are_scored_by_their_ids(
    facevlm: Any, endpoint: Any, faces: Path, tmp_path: Path
) -> None:
    requests, results = tmp_path / "requests.jsonl", tmp_path / "results.jsonl"
    rows = [json.loads(line) for line in faces.read_text().splitlines()]
    asked = [{"custom_id": row["id"], "image": row["image"]} for row in rows]
    requests.write_text("".join(json.dumps(row) + "\n" for row in asked))
    assert facevlm("batch", requests, results, *endpoint.options).status == 0
    scored = facevlm("eval", "score", results, "--suite", "emotion-8", "--data", faces, "--out", tmp_path / "joined")
    assert scored.status == 0, scored.err
    assert "0.667" in next(line for line in scored.out.splitlines() if "  accuracy " in line)
    assert "no answer" not in scored.err


def test_faces_that_a_batch_was_not_asked_about_are_told_and_recorded(
    facevlm: Any, endpoint: Any, faces: Path, tmp_path: Path
) -> None:
    requests, results, out = tmp_path / "requests.jsonl", tmp_path / "results.jsonl", tmp_path / "joined"
    requests.write_text(json.dumps({"custom_id": "f0", "image": "0.png"}) + "\n")
    assert facevlm("batch", requests, results, *endpoint.options).status == 0
    scored = facevlm("eval", "score", results, "--suite", "emotion-8", "--data", faces, "--out", out)
    assert "facevlm: 2 of 3 labelled pictures have no answer, left out" in scored.complaints
    assert json.loads((out / "run.json").read_text())["counts"]["unanswered"] == 2
    assert facevlm("eval", "report", out).status == 0
    assert "1 of 1 answers; 2 more without an answer, left out" in (out / "report.md").read_text()


def test_a_model_that_fails_ends_with_status_4_and_is_asked_again(
    facevlm: Any, endpoint: Any, faces: Path, tmp_path: Path
) -> None:
    words = ("eval", "run", "emotion-8", "--data", faces, "--out", tmp_path / "run", *endpoint.options)
    endpoint.mood = "web page"
    failed = facevlm(*words)
    assert failed.status == 4
    endpoint.mood = "well"
    assert facevlm(*words).status == 0


def test_a_table_that_a_program_reads_has_a_line_for_each_row_however_long(facevlm: Any) -> None:
    listed = facevlm("eval", "list").out.splitlines()
    robustness = next(line for line in listed if line.strip().startswith("robustness"))
    assert "damaged pictures" in robustness and robustness.rstrip().endswith("yes")


def test_a_larger_limit_goes_on_with_a_run(facevlm: Any, endpoint: Any, faces: Path, tmp_path: Path) -> None:
    words = ("eval", "run", "emotion-8", "--data", faces, "--out", tmp_path / "run", *endpoint.options)
    assert facevlm(*words, "--limit", "1").status == 0
    assert facevlm(*words).status == 0
    assert endpoint.asked == 3


def test_maps_that_are_given_once_stay_with_their_run(facevlm: Any, endpoint: Any, faces: Path, tmp_path: Path) -> None:
    suite = tmp_path / "grey.yaml"
    suite.write_text(
        "{task: emotion, title: grey, data: {own: test}, metrics: [accuracy], conditions: [{name: as given},"
        " {name: grey, damage: {kind: region, level: 12}, of: as given}]}"
    )
    run, maps = tmp_path / "run", tmp_path / "maps"
    maps.mkdir()
    for name in ("f0", "f1", "f2"):
        np.save(maps / f"{name}.npy", np.eye(120))
    assert facevlm("eval", "run", str(suite), "--data", faces, "--out", run, *endpoint.options).status == 0
    scored = facevlm("eval", "score", run, "--heat", maps)
    assert "heat map: cosine with units" in scored.out and "occlusion: IoU with claims" in scored.out
    assert facevlm("eval", "score", run).out == scored.out


def test_suites_are_listed_with_the_data_they_need(facevlm: Any) -> None:
    listed = {row["suite"]: row for row in json.loads(facevlm("eval", "list", "--format", "json").out)}
    assert listed["counts"]["data"] == "none: pictures that ship"
    assert "ferplus (valid)" in listed["emotion-8"]["data"]
    assert listed["unseen-class"]["can be run"].startswith("no: ")


@pytest.mark.parametrize(
    ("words", "status", "why"),
    [
        (("eval", "run", "emotion-8", "--out", "x"), 2, "needs data (ferplus (valid)"),
        (("eval", "run", "nothing", "--out", "x"), 2, "unknown suite; use ablations"),
        (("eval", "run", "unseen-class", "--out", "x"), 2, "cannot be run yet"),
        (("eval", "run", "au-synthetic", "--out", "x"), 3, "give a face model with --rig"),
        (("eval", "score", "nowhere.jsonl"), 2, "no folder of a run"),
        (("eval", "compare", "nowhere", "nowhere"), 2, "give a folder that `facevlm eval run` made"),
    ],
)
def test_what_is_missing_is_told_in_one_line(
    facevlm: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], status: int, why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = facevlm(*words)
    assert outcome.status == status
    assert why in outcome.complaints[-1]
    assert len(outcome.complaints) == 1
