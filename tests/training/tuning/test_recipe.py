from __future__ import annotations

from pathlib import Path

import pytest

from facevlm.errors import InputError
from facevlm.training.tuning import recipe
from facevlm.training.tuning.recipe import Supervised

GOOD = "model: some/base\nepochs: 1\n"


def written(folder: Path, text: str) -> Path:
    file = folder / "mine.yaml"
    file.write_text(text)
    return file


@pytest.mark.parametrize("name", recipe.shipped())
def test_the_recipes_that_ship_are_good(name: str) -> None:
    assert recipe.read(recipe.located(name), Supervised).lora.targets == "auto"


def test_the_recipes_that_ship_are_those_promised() -> None:
    assert recipe.shipped() == ("qwen2.5-vl-3b", "qwen2.5-vl-7b", "qwen3-vl-4b", "qwen3-vl-8b", "smolvlm-500m")


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"qwen: no such recipe; use qwen2\.5-vl-3b, .* or the path of a YAML file"):
        recipe.located("qwen")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + "rte: 1\n", r"rte: no such key; known here: model, start"),
        (GOOD + "lora: {ranks: 8}\n", r"lora\.ranks: no such key; known here: rank, alpha, dropout, targets"),
        (GOOD + "rate: 0\n", r"rate: input should be greater than 0, not 0"),
        (GOOD + "precision: fp8\n", r"precision: .*'bf16' or 'fp32', not 'fp8'"),
        ("model: some/base\n", r"give either epochs or steps"),
        (GOOD + "steps: 5\n", r"give either epochs or steps"),
        ("epochs: 1\n", r"model: field required"),
        ("- 1\n", r"not a mapping of keys to values; see .* for good recipes"),
        ("a: [", r"not YAML"),
    ],
)
def test_a_wrong_recipe_is_named_with_its_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=rf"mine\.yaml: {message}"):
        recipe.read(written(tmp_path, text), Supervised)


def test_what_a_recipe_names_is_looked_for_beside_it(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    read = recipe.read(written(tmp_path, "model: base\nepochs: 1\ndata: rows.jsonl\nstart: before\n"), Supervised)
    assert (read.model, read.data, read.start) == (
        str(tmp_path / "base"),
        tmp_path / "rows.jsonl",
        tmp_path / "before",
    )


def test_a_model_that_is_no_folder_beside_the_recipe_is_an_id(tmp_path: Path) -> None:
    assert recipe.read(written(tmp_path, GOOD), Supervised).model == "some/base"


def test_what_the_command_line_gives_goes_over_the_recipe(tmp_path: Path) -> None:
    read = recipe.read(written(tmp_path, GOOD), Supervised, model="another", seed=3, data=None)
    assert (read.model, read.seed, read.data) == ("another", 3, None)


def test_a_recipe_as_text_is_the_same_recipe(tmp_path: Path) -> None:
    read = recipe.read(recipe.located("smolvlm-500m"), Supervised)
    assert recipe.read(written(tmp_path, recipe.text(read)), Supervised) == read
