from __future__ import annotations

import pytest

from facevlm import facs
from facevlm.data.cot.coding import CLAIMED
from facevlm.faces.action_units import THRESHOLDS
from facevlm.prompting import cue_text, unit_text
from facevlm.prompting.cues import LEVELS, STRENGTHS, nearest_level, reached
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
    assert unit_text(units) == "AU25:0.6 AU17:0.1"


@pytest.mark.parametrize("value", [*set(THRESHOLDS.values()), CLAIMED, 0.4, 0.6, 0.8])
def test_what_is_claimed_and_checked_changes_where_the_step_does(value: float) -> None:
    """A text that changed within a step could not be learned from the prompt."""
    assert value in STRENGTHS
    assert reached(value) == value
    assert reached(value - 0.001) < value


def test_the_grades_meet_at_a_step() -> None:
    meet = [value / 1000 for value in range(100, 1000) if facs.grade(value / 1000) != facs.grade((value - 1) / 1000)]
    assert set(meet) <= set(STRENGTHS)


def test_units_of_one_grade_are_told_in_the_order_of_their_numbers() -> None:
    units = {code: ActionUnit(code=code, value=value) for code, value in {12: 0.75, 6: 0.62}.items()}
    assert unit_text(units) == "AU6:0.6 AU12:0.7"


def test_a_face_at_rest_is_told_from_one_that_was_not_measured() -> None:
    assert unit_text({4: ActionUnit(code=4, value=0.02)}) == "AU:none"
    assert unit_text({}) == ""


def test_sides_are_told_apart_where_they_differ() -> None:
    even = ActionUnit(code=2, value=0.52, left=0.54, right=0.50)
    uneven = ActionUnit(code=12, value=0.4, left=0.7, right=0.05)
    assert unit_text({2: even, 12: uneven}) == "AU12L:0.7 AU2:0.5"


def test_nothing_is_told_of_what_could_not_be_measured() -> None:
    assert unit_text({7: ActionUnit(code=7, value=None), 4: ActionUnit(code=4, value=0.3)}) == "AU4:0.3"
