from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from facevlm.config import asset_dir
from facevlm.training.tuning import weights
from tests.cli.conftest import Outcome
from tests.training.tuning import tiny

Run = Callable[..., Outcome]
ANSWERS = ['{"emotion": "happiness"}', '{"emotion": "fear"}']
RECIPE = "model: base\nsteps: 1\nbatch: 2\naccumulate: 1\nprecision: fp32\nheld_out: 0\nlora: {rank: 4, alpha: 8}\n"
EMBEDDED = asset_dir("adapters") / "nano-facs" / "recipe.yaml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny base, rows and a recipe for it."""
    made = tmp_path_factory.mktemp("sft")
    tiny.make("Idefics3ForConditionalGeneration", made / "base")
    rows = tiny.rows(made / "rows", ANSWERS)
    rows.write_text(rows.read_text() + "{\n")
    (made / "mine.yaml").write_text(RECIPE)
    (made / "samples.jsonl").write_text('{"id": "a", "source": "own", "image": "a.png", "emotion": "fear"}\n')
    return made


def test_the_adapter_s_folder_is_all_that_stdout_holds(facevlm: Run, folder: Path, tmp_path: Path) -> None:
    rows = folder / "rows" / "train.jsonl"
    (folder / "watched.yaml").write_text(RECIPE + f"valid: {rows}\neval_rows: 1\neval_steps: 1\ngenerate_eval: 0\n")
    done = facevlm(
        "train", "sft", folder / "watched.yaml", "--data", rows, "--out", tmp_path / "out", "--work", tmp_path / "work"
    )
    assert done.status == 0, done.err
    assert done.out == f"{tmp_path / 'out'}\n"
    assert "train.jsonl, row 3: not a whole JSON object" in done.err
    assert "rows: 2 trained on, 2 held out, 1 of them looked at, 2 left out" in done.err
    assert "gemm" not in done.err  # a library's warning that concerns nobody
    facts = json.loads((tmp_path / "out" / "run.json").read_text())
    assert (facts["steps"], facts["rows"], facts["looked_at"]) == (1, {"trained": 2, "held_out": 2}, 1)


def test_a_local_copy_can_stand_for_the_recipe_s_model(facevlm: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "hub.yaml").write_text(RECIPE.replace("model: base", "model: some/base"))
    told = facevlm("train", "sft", tmp_path / "hub.yaml", "--model", folder / "base", "--out", tmp_path / "out")
    assert told.complaints == ["facevlm: data: the recipe names no rows; give them with --data"]


@pytest.mark.parametrize(
    ("recipe", "more", "said"),
    [
        ("qwen", [], "qwen: no such recipe; use qwen2.5-vl-3b, "),
        (RECIPE + "rte: 1\n", [], "rte: no such key; known here: model, "),
        (RECIPE + "lora: {rank: 8, targets: [q_proj]}\n", [], "which vLLM leaves out when it serves an adapter"),
        (RECIPE + "pixels: 2048\ndata: nowhere.jsonl\n", [], "nowhere.jsonl: cannot be read"),
        (RECIPE, ["--model", "no/such-model"], "`hf download no/such-model`"),
        (RECIPE, ["--start", "nowhere"], "start: nowhere: no adapter of peft is there"),
        (str(EMBEDDED), ["--model", "other"], "--model: the recipe of the embedded model"),
        (str(EMBEDDED), [], "tunes the embedded model on FER+; give its folder with --data"),
        (
            RECIPE + "data: samples.jsonl\n",
            [],
            "a sample, not a row; `facevlm data convert SAMPLES OUT --to trl` makes",
        ),
    ],
)
def test_each_bad_input_is_one_line(
    facevlm: Run, folder: Path, tmp_path: Path, recipe: str, more: list[str], said: str
) -> None:
    config: Any = recipe
    if "\n" in recipe:
        lines = {line.partition(":")[0]: line for line in recipe.splitlines()}  # the last of a key counts
        config = folder / f"{tmp_path.name}.yaml"
        config.write_text("\n".join(lines.values()) + "\n")
    told = facevlm("train", "sft", config, "--out", tmp_path / "out", "--work", tmp_path / "work", *more)
    assert told.status == 2
    assert told.out == ""
    assert len(told.complaints) == 1
    assert said in told.err and told.err.count("data convert") <= 1
    assert not (tmp_path / "out").exists()


def test_missing_libraries_end_with_their_own_status(
    facevlm: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda library: None)
    told = facevlm("train", "sft", folder / "mine.yaml", "--out", tmp_path / "out")
    assert told.status == 3
    assert "pip install 'facevlm[train]'" in told.complaints[0]


def test_the_ready_recipes_are_named_in_the_help(facevlm: Run) -> None:
    from facevlm.training.tuning.recipe import shipped

    shown = "".join(facevlm("train", "sft", "--help").out.split())
    assert all(name in shown.replace("│", "") for name in shipped())
