"""TRL itself, on a tiny random model of the embedded one's architecture."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import ValidationError

from facevlm.errors import InputError, PrerequisiteError
from facevlm.training.tuning import curves, reinforcement
from facevlm.training.tuning.reinforcement import Outcome, Reinforcement
from facevlm.training.tuning.rewards import REWARDS
from tests.training.tuning import tiny

SMALL: dict[str, Any] = {
    "steps": 2, "save_steps": 1, "batch": 4, "accumulate": 1, "generations": 2, "answer_tokens": 6, "precision": "fp32",
    "gradient_checkpointing": False, "held_out": 0.4, "lora": {"rank": 2, "alpha": 4, "dropout": 0.1}, "rate": 1e-3,
}  # fmt: skip


@dataclass(frozen=True)
class Run:
    recipe: Reinforcement
    folder: Path
    outcome: Outcome

    @property
    def facts(self) -> dict[str, Any]:
        return json.loads((self.outcome.out / "run.json").read_text())  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make("Idefics3ForConditionalGeneration", tmp_path_factory.mktemp("base") / "tiny")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    lines = []
    for index in range(10):
        Image.new("RGB", (32, 32), (index * 20, 0, 0)).save(folder / f"{index}.png")
        row = {"prompt": "Which emotion?", "images": [f"{index}.png"], "fields": ["emotion"], "emotion": "fear"}
        lines.append(json.dumps(row) + "\n")
    (folder / "rows.jsonl").write_text("".join(lines))
    return folder / "rows.jsonl"


@pytest.fixture(scope="module")
def run(model: Path, rows: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("run")
    recipe = Reinforcement(model=str(model), data=rows, least_valid=0, **SMALL)
    return Run(recipe, folder, reinforcement.run(recipe, folder / "out", folder / "work"))


def test_the_result_is_an_adapter_alone(run: Run) -> None:
    from peft import PeftModel
    from transformers import AutoModelForImageTextToText

    assert not (run.outcome.out / "ref").exists()
    base = AutoModelForImageTextToText.from_pretrained(run.recipe.model)
    tuned = PeftModel.from_pretrained(base, str(run.outcome.out))
    assert all(".language" in name or ".text_model." in name for name, _ in tuned.named_parameters() if "lora_" in name)


def test_a_rung_that_does_not_help_is_reported_so_with_its_settings(run: Run) -> None:
    assert not run.outcome.helped and run.facts["helped"] is False
    assert run.facts["gains"]["total"]["low"] <= 0
    assert run.facts["settings"]["rewards"] == run.recipe.rewards and run.facts["settings"]["beta"] == 0.02


def test_all_rows_that_are_held_out_are_counted_and_those_that_decide(run: Run) -> None:
    few = reinforcement._gather(run.recipe.model_copy(update={"eval_rows": 1}))
    assert len(few.trained) + few.kept_back == 10 and few.kept_back > len(few.held_out) == 1
    assert run.facts["rows"]["held_out"] == run.facts["looked_at"] == few.kept_back


def test_each_rewards_mean_is_kept_step_by_step(run: Run) -> None:
    kept = curves.read(run.outcome.out / curves.JSON)
    assert [each["step"] for each in kept] == [1, 2]
    assert set(REWARDS) - {"units", "sides", "intensity", "evidence"} <= kept[0].keys()
    assert {"reward", "kl"} <= kept[0].keys()
    assert (run.outcome.out / curves.PICTURE).stat().st_size > 1000


def test_an_interrupted_run_goes_on_from_its_last_checkpoint(run: Run, tmp_path: Path) -> None:
    work = tmp_path / "work"
    shutil.copytree(run.folder / "work", work)
    shutil.rmtree(work / "checkpoint-2")
    answered = (work / "before.jsonl").stat().st_mtime_ns
    outcome = reinforcement.run(run.recipe, tmp_path / "out", work)
    assert (work / "checkpoint-2").is_dir() and (work / "before.jsonl").stat().st_mtime_ns == answered
    assert [each["step"] for each in curves.read(outcome.out / curves.JSON)] == [1, 2]


def test_checkpoints_of_other_settings_are_not_gone_on_from(run: Run, tmp_path: Path) -> None:
    other = run.recipe.model_copy(update={"beta": 0.5})
    with pytest.raises(InputError, match=r"holds a run with other beta; .*--fresh"):
        reinforcement.run(other, tmp_path / "out", run.folder / "work")


def test_too_few_valid_answers_are_refused_before_training(model: Path, rows: Path, tmp_path: Path) -> None:
    recipe = Reinforcement(model=str(model), data=rows, **SMALL)
    with pytest.raises(PrerequisiteError, match=r"0\.0% of the answers .* are valid, and 99% must be; .*train sft"):
        reinforcement.run(recipe, tmp_path / "out", tmp_path / "work")
    assert not list((tmp_path / "work").glob("checkpoint-*")) and not (tmp_path / "out").exists()


def test_too_few_rows_are_refused(model: Path, rows: Path, tmp_path: Path) -> None:
    recipe = Reinforcement(model=str(model), data=rows, **(SMALL | {"batch": 64}))
    with pytest.raises(InputError, match=r"a step needs 32"):
        reinforcement.run(recipe, tmp_path / "out", tmp_path / "work")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"batch": 3}, "no multiple of the 2 generations"),
        ({"rewards": {"beauty": 1.0}}, "rewards.beauty"),
        ({"rewards": {}}, "rewards"),
        ({"vllm": True}, "vllm"),
    ],
)
def test_a_wrong_recipe_is_refused(fault: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Reinforcement(model="any", **(SMALL | fault))
