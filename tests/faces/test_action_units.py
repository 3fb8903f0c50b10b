from __future__ import annotations

import numpy as np
import pytest

from facevlm.faces.action_units import THRESHOLDS, measure_action_units, measured_codes
from facevlm.faces.cues import cue_table, measure_cues
from facevlm.faces.pose import mean_face
from facevlm.types import AU_CODES, ActionUnit, Pose

FRONTAL = Pose(yaw=0, pitch=0, roll=0)


def measured(points: dict[int, tuple[float, float, float]], pose: Pose = FRONTAL) -> dict[int, ActionUnit]:
    face = mean_face().copy()
    for point, shift in points.items():
        face[point] += np.array(shift, np.float32)
    return measure_action_units(measure_cues(face, pose), pose)


def smile(side: str) -> dict[int, tuple[float, float, float]]:
    right = dict.fromkeys((61, 146, 185), (-0.08, 0.12, 0.0))
    left = dict.fromkeys((291, 375, 409), (0.08, 0.12, 0.0))
    return {"right": right, "left": left, "both": right | left}[side]


def test_every_action_unit_is_there_and_a_resting_face_shows_none() -> None:
    units = measured({})
    assert tuple(units) == AU_CODES
    assert all(unit.value < THRESHOLDS[code] for code, unit in units.items() if unit.value is not None)


def test_raised_lip_corners_are_a_lip_corner_puller_and_no_depressor() -> None:
    units = measured(smile("both"))
    assert units[12].value >= 0.5
    assert units[15].value == 0


@pytest.mark.parametrize(("side", "other"), [("left", "right"), ("right", "left")])
def test_a_smile_on_one_side_is_measured_on_that_side(side: str, other: str) -> None:
    unit = measured(smile(side))[12]
    assert getattr(unit, side) >= 0.5
    assert getattr(unit, other) < THRESHOLDS[12]


def test_raised_brows_are_units_1_and_2_and_not_4() -> None:
    brows = [55, 107, 66, 65, 105, 52, 70, 46, 63, 53, 285, 336, 296, 295, 334, 282, 300, 276, 293, 283]
    units = measured(dict.fromkeys(brows, (0, 0.15, 0)))
    assert units[1].value >= 0.5
    assert units[2].value >= 0.5
    assert units[4].value == 0


def test_what_landmarks_do_not_show_is_not_guessed() -> None:
    units = measured({})
    assert [code for code in AU_CODES if units[code].value is None] == [
        code for code in AU_CODES if code not in measured_codes()
    ]
    assert units[14].value is None


@pytest.mark.parametrize(("yaw", "hidden", "seen"), [(45, "left", "right"), (-45, "right", "left")])
def test_the_far_side_of_a_turned_head_is_not_measured(yaw: float, hidden: str, seen: str) -> None:
    unit = measured(smile("both"), Pose(yaw=yaw, pitch=0, roll=0))[12]
    assert getattr(unit, hidden) is None
    assert unit.value == getattr(unit, seen)


def test_a_head_turned_away_is_not_measured_at_all() -> None:
    units = measured(smile("both"), Pose(yaw=70, pitch=0, roll=0))
    assert all(unit.value is None for unit in units.values())


def test_values_stay_within_0_and_1_however_far_a_cue_is() -> None:
    for far in (-99.0, 99.0):
        units = measure_action_units({cue.name: far for cue in cue_table()}, FRONTAL)
        assert all(0 <= unit.value <= 1 for unit in units.values() if unit.value is not None)
