from __future__ import annotations

from pathlib import Path

import pytest

from facevlm.config import asset_dir
from facevlm.errors import InputError
from facevlm.training import recipe

GOOD = (
    "teacher_epochs: 1\ntower_epochs: 1\nwords: {texts: 8, rate: 0.001}\n"
    "language: {tasks: {sov-cot: 1.0}, epochs: 1, rate: 0.001}\n"
)


def written(folder: Path, text: str) -> Path:
    file = folder / "recipe.yaml"
    file.write_text(text)
    return file


def test_the_recipes_that_ship_are_good() -> None:
    recipe.read(asset_dir("adapters") / "nano-base" / "recipe.yaml", recipe.Base)
    recipe.read(asset_dir("adapters") / "nano-facs" / "recipe.yaml", recipe.Sft)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + "tower_epoch: 3\n", r"tower_epoch: Extra inputs are not permitted; known keys: seed, teacher_epochs"),
        (GOOD.replace("epochs: 1,", "epochs: 0,"), r"language\.epochs: .*greater than 0"),
        ("- 1\n", "not a mapping of keys to values; see adapters/"),
        ("a: [", "not YAML"),
    ],
)
def test_a_wrong_recipe_is_named_with_its_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        recipe.read(written(tmp_path, text), recipe.Base)


def test_a_recipe_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_bytes(b"description: \xff\xfe\n")
    with pytest.raises(InputError, match=r"recipe\.yaml: not YAML \('utf-8' codec"):
        recipe.read(tmp_path / "recipe.yaml", recipe.Base)


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.yaml: cannot be read \(No such file or directory\); see adapters/"):
        recipe.read(tmp_path / "nowhere.yaml", recipe.Base)
