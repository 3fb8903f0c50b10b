from __future__ import annotations

import pytest

from facevlm.prompting import cue_text
from facevlm.prompting.cues import LEVELS, nearest_level


def test_cues_keep_their_order_and_are_told_in_the_nearest_step() -> None:
    assert cue_text({"mouth_opening": 1.7, "eye_opening_left": 0.1}) == "mouth_opening:+1.5 eye_opening_left:+0"


@pytest.mark.parametrize(("value", "level"), [(-40.0, -6.0), (3.4, 3.0), (3.6, 4.0), (99.0, 6.0)])
def test_far_from_rest_the_steps_are_whole_and_end_at_six(value: float, level: float) -> None:
    assert nearest_level(value) == level


def test_steps_are_the_same_either_side_of_rest() -> None:
    assert [-level for level in reversed(LEVELS)] == list(LEVELS)
