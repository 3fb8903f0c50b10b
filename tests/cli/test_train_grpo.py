from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Endpoint, Outcome

Facevlm = Callable[..., Outcome]
RECIPE = "model: base\nsteps: 1\n"


def written(folder: Path, text: str) -> Path:
    file = folder / "recipe.yaml"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (RECIPE + "reward: {schema: 1}\n", "reward: no such key; known here: "),
        (RECIPE + "rewards: {beauty: 1}\n", "rewards.beauty"),
        (RECIPE + "batch: 3\naccumulate: 1\n", "no multiple of the 8 generations"),
        ("a: [", "not YAML"),
    ],
)
def test_a_wrong_recipe_of_grpo_is_one_line(facevlm: Facevlm, tmp_path: Path, recipe: str, message: str) -> None:
    outcome = facevlm("train", "grpo", written(tmp_path, recipe), "--out", tmp_path / "out")
    assert (outcome.status, len(outcome.complaints)) == (2, 1)
    assert message in outcome.err


def test_ferplus_needs_a_model_that_is_shown_crops(facevlm: Facevlm, tmp_path: Path) -> None:
    recipe = written(tmp_path, RECIPE)
    outcome = facevlm("train", "grpo", recipe, "--out", tmp_path / "out", "--data", tmp_path, "--work", tmp_path / "w")
    assert outcome.status == 2
    assert "give JSON lines with --data" in outcome.err


def test_synthetic_faces_go_with_those_of_ferplus(facevlm: Facevlm, tmp_path: Path) -> None:
    recipe, rows = written(tmp_path, RECIPE), tmp_path / "rows.jsonl"
    outcome = facevlm("train", "grpo", recipe, "--out", tmp_path / "out", "--data", rows, "--synthetic", tmp_path)
    assert (outcome.status, len(outcome.complaints)) == (2, 1)
    assert "--synthetic: goes with the folder of FER+" in outcome.err


def test_a_model_behind_an_endpoint_annotates_and_is_not_tuned(
    facevlm: Facevlm, endpoint: Endpoint, astronaut: Path, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_bytes(astronaut.read_bytes())
    words = ("train", "rounds", written(tmp_path, "samples: 2\n"), tmp_path / "photos", "--out", tmp_path / "out")
    refused = facevlm(*words, *endpoint.options)
    assert refused.status == 2 and "give --annotate-only" in refused.err
    done = facevlm(*words, *endpoint.options, "--annotate-only")
    assert done.status == 0 and done.out.startswith("# Round 1")
    report = json.loads((tmp_path / "out" / "round-1" / "report.json").read_text())
    assert (report["pictures"], report["faces"], endpoint.asked) == (1, 1, 3)


def test_a_round_without_a_recipe_to_tune_by_is_refused(facevlm: Facevlm, tmp_path: Path) -> None:
    outcome = facevlm("train", "rounds", written(tmp_path, "rounds: 2\n"), tmp_path, "--out", tmp_path / "out")
    assert outcome.status == 2
    assert "tuning: names no recipe" in outcome.err
