from __future__ import annotations

import pytest

from facevlm.prompting import cue_text, unit_text
from facevlm.prompting.cues import LEVELS, nearest_level
from facevlm.types import ActionUnit


def test_cues_keep_their_order_and_are_told_in_the_nearest_step() -> None:
    assert cue_text({"mouth_opening": 1.7, "eye_opening_left": 0.1}) == "mouth_opening:+1.5 eye_opening_left:+0"


@pytest.mark.parametrize(("value", "level"), [(-40.0, -6.0), (3.4, 3.0), (3.6, 4.0), (99.0, 6.0)])
def test_far_from_rest_the_steps_are_whole_and_end_at_six(value: float, level: float) -> None:
    assert nearest_level(value) == level


def test_steps_are_the_same_either_side_of_rest() -> None:
    assert [-level for level in reversed(LEVELS)] == list(LEVELS)


def test_action_units_are_told_from_a_tenth_on_and_the_strongest_first() -> None:
    units = {code: ActionUnit(code=code, value=value) for code, value in {17: 0.12, 4: 0.09, 25: 0.66}.items()}
    assert unit_text(units) == "AU25:0.7 AU17:0.1"


def test_units_of_one_grade_are_told_in_the_order_of_their_numbers() -> None:
    units = {code: ActionUnit(code=code, value=value) for code, value in {12: 0.65, 6: 0.62}.items()}
    assert unit_text(units) == "AU6:0.6 AU12:0.7"


def test_a_face_at_rest_is_told_from_one_that_was_not_measured() -> None:
    assert unit_text({4: ActionUnit(code=4, value=0.02)}) == "AU:none"
    assert unit_text({}) == ""


def test_sides_are_told_apart_where_they_differ() -> None:
    even = ActionUnit(code=2, value=0.5, left=0.52, right=0.48)
    uneven = ActionUnit(code=12, value=0.4, left=0.7, right=0.05)
    assert unit_text({2: even, 12: uneven}) == "AU12L:0.7 AU2:0.5"


def test_nothing_is_told_of_what_could_not_be_measured() -> None:
    assert unit_text({7: ActionUnit(code=7, value=None), 4: ActionUnit(code=4, value=0.3)}) == "AU4:0.3"
