"""What faces are asked to show."""

from __future__ import annotations

from collections import Counter
from typing import get_args

import numpy as np
import pytest

from facevlm import facs
from facevlm.data.synth import cast
from facevlm.data.synth.recipe import Kind, Recipe
from facevlm.types import AU_CODES

DRAWS = 300
KINDS: tuple[Kind, ...] = get_args(Kind)


def _draws(kind: Kind, count: int = DRAWS, **changes: object) -> list[cast.Part]:
    recipe = Recipe.model_validate({"name": "made", "count": 1, "kinds": {kind: 1}, **changes})
    rng = np.random.default_rng(0)
    return [cast.draw(recipe, rng) for _ in range(count)]


@pytest.mark.parametrize("kind", KINDS)
def test_no_part_contradicts_itself(kind: Kind) -> None:
    assert not any(facs.contradictions(part.moves) for part in _draws(kind))


def test_eight_units_at_once_are_found_without_contradiction() -> None:
    assert all(len(part.moves) == 8 for part in _draws("random", 50, units=(8, 8)))


def test_every_grade_from_a_to_e_is_drawn_as_often() -> None:
    parts = _draws("random", 1500, units=(3, 5))
    grades = Counter(facs.grade(move.strongest) or "A" for part in parts for move in part.moves.values())
    shares = {grade: count / grades.total() for grade, count in grades.items()}
    assert shares == pytest.approx(dict.fromkeys("ABCDE", 0.2), abs=0.025)


def test_few_units_are_too_faint_to_be_told() -> None:
    strengths = [move.strongest for part in _draws("random", 500) for move in part.moves.values()]
    assert np.mean([facs.grade(strength) is None for strength in strengths]) < 0.06


def test_every_unit_is_drawn() -> None:
    assert {code for part in _draws("single", 500) for code in part.moves} == set(AU_CODES)


def test_a_single_unit_is_one_and_a_neutral_face_shows_none() -> None:
    assert {len(part.moves) for part in _draws("single")} == {1}
    assert {(len(part.moves), part.emotion) for part in _draws("neutral", 5)} == {(0, "neutral")}


def test_a_random_combination_has_as_many_units_as_the_recipe_says() -> None:
    assert {len(part.moves) for part in _draws("random", units=(2, 4))} == {2, 3, 4}


def test_a_prototype_shows_what_its_emotion_requires() -> None:
    for part in _draws("prototype"):
        assert part.emotion is not None
        assert any(set(each.required) <= set(part.moves) for each in facs.prototypes(part.emotion))


def test_every_emotion_but_neutral_is_drawn_as_a_prototype() -> None:
    assert len({part.emotion for part in _draws("prototype")} - {"neutral"}) == 7


def test_a_one_sided_prototype_shows_on_one_side() -> None:
    for part in _draws("prototype"):
        if part.emotion == "contempt" and all(each.one_sided for each in facs.prototypes("contempt")):
            assert all(min(move.left, move.right) == 0 < move.strongest for move in part.moves.values())


def test_a_compound_shows_its_units_and_bears_its_name() -> None:
    named = {compound.name: set(compound.aus) for compound in facs.compounds()}
    assert all(part.compound and set(part.moves) == named[part.compound] for part in _draws("compound"))


@pytest.mark.parametrize(("share", "sides"), [(1.0, {1}), (0.0, {2})])
def test_units_with_sides_show_on_one_as_often_as_the_recipe_says(share: float, sides: set[int]) -> None:
    parts = _draws("random", one_sided=share, uneven=0)
    sided = [move for part in parts for code, move in part.moves.items() if facs.unit(code).sided]
    assert {(move.left > 0) + (move.right > 0) for move in sided} == sides


def test_units_without_sides_show_on_both() -> None:
    parts = _draws("random", one_sided=1.0)
    whole = [move for part in parts for code, move in part.moves.items() if not facs.unit(code).sided]
    assert whole and all(move.left == move.right for move in whole)


def test_an_uneven_unit_shows_on_both_sides_and_more_on_one() -> None:
    parts = _draws("random", one_sided=0, uneven=1.0)
    sided = [move for part in parts for code, move in part.moves.items() if facs.unit(code).sided]
    told = [move for move in sided if facs.grade(move.strongest)]  # a hundredth cannot be less on one side
    assert told and all(0 < min(move.left, move.right) < move.strongest for move in told)
