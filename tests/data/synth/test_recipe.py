"""Recipes: what can be asked for, and what is said of what cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from facevlm.data.synth import recipe
from facevlm.errors import InputError

GOOD = "name: mine\ncount: 3\nkinds: {random: 1}\n"


@pytest.mark.parametrize("name", recipe.shipped())
def test_what_ships_can_be_read_by_its_name(name: str) -> None:
    assert recipe.read(name).name == name


def test_data_sets_that_ship_differ_in_their_pool() -> None:
    pools = [recipe.read(name).pool for name in recipe.shipped()]
    assert len(set(pools)) == len(pools)


def test_a_file_of_ones_own_is_named_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(GOOD)
    assert recipe.read(str(tmp_path / "mine.yaml")).kinds == {"random": 1}


def test_a_change_goes_over_the_recipe_and_none_changes_nothing() -> None:
    changed = recipe.read("faces", seed=7, count=None)
    assert (changed.seed, changed.count) == (7, recipe.read("faces").count)


def test_what_a_data_set_was_made_by_is_a_recipe(tmp_path: Path) -> None:
    made = recipe.read("faces", count=9)
    (tmp_path / "recipe.json").write_text(made.model_dump_json(indent=1))
    assert recipe.read(str(tmp_path / "recipe.json")) == made


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (GOOD + "colour: 3\n", "colour: no such key; a recipe has name, count, seed"),
        (GOOD + "3: 3\n", "3: no such key; a recipe has"),
        ("name: mine\nkinds: {random: 1}\n", "count: field required"),
        (GOOD.replace("3", "0"), "count: input should be greater than 0, not 0"),
        (GOOD.replace("random: 1", "random: 0"), "kinds: give at least one kind a share above 0"),
        (GOOD.replace("random: 1", "random: -1"), "kinds: give at least one kind a share above 0"),
        (GOOD.replace("random: 1", "random: .nan"), "kinds: give at least one kind a share above 0"),
        (GOOD.replace("random: 1", "smirk: 1"), "kinds.smirk"),
        (GOOD + "units: [5, 2]\n", "units: from 1 to 8, the lower number first, not 5 and 2"),
        (GOOD + "people: [1, 9]\n", "people: from 1 to 8"),
        (GOOD + "yaw: [30, -30]\n", "yaw: from -90 to 90, the lower number first"),
        (GOOD + "face_height: [0, 1]\n", "face_height: from 0.1 to 2"),
        (GOOD + "pool: 100\n", "pool: input should be less than 100"),
        ("- name: mine\n", "not a mapping of keys to values; a recipe has name, count"),
        ("name: [\n", "not YAML"),
        ("name: \xff", "not YAML"),
    ],
)
def test_a_wrong_recipe_is_one_line_with_its_name(tmp_path: Path, content: str, told: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(content, encoding="latin-1")
    with pytest.raises(InputError) as caught:
        recipe.read(str(file))
    assert str(caught.value).startswith(f"{file}: ") and told in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["portraits", "."])
def test_a_recipe_that_is_not_there_names_those_that_are(name: str) -> None:
    with pytest.raises(InputError, match=f"{name}: no such recipe; use explain, faces, groups"):
        recipe.read(name)
