"""What is measured of a face's action units, and what of a face is not measured."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facevlm import facs
from facevlm.data import ferplus
from facevlm.faces import action_units, decode, find, regressor
from facevlm.faces.action_units import THRESHOLDS, measured_codes
from facevlm.faces.appearance import appearance
from facevlm.faces.pose import LEFT_EYE_OUTER, RIGHT_EYE_OUTER, frontalise, mean_face
from facevlm.faces.regressor import table
from facevlm.types import AU_CODES, EMOTIONS, ActionUnit, Emotion, Pose
from tests.faces.photographed import Photographed, astronaut

SIDED = tuple(unit.code for unit in facs.units() if unit.sided)


def facing(yaw: float) -> dict[int, ActionUnit]:
    """The astronaut's action units, were her head turned so far to her left."""
    return astronaut().measured(Pose(yaw=yaw, pitch=0, roll=0))


def nothing(units: dict[int, ActionUnit]) -> bool:
    return all(unit == ActionUnit(code=code, value=None) for code, unit in units.items())


def test_every_action_unit_is_there_whether_measured_or_not() -> None:
    assert tuple(astronaut().measured()) == AU_CODES
    assert all(unit.code == code for code, unit in astronaut().measured().items())


def test_on_a_clear_frontal_face_all_is_measured_that_is_reliable_and_nothing_else() -> None:
    units = astronaut().measured()
    assert tuple(code for code in AU_CODES if units[code].value is not None) == measured_codes()


def test_an_action_unit_the_table_calls_unreliable_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {code: row | {"measured": code != 12} for code, row in table().items()}
    monkeypatch.setattr(action_units, "table", lambda: rows)
    units = astronaut().measured()
    assert units[12] == ActionUnit(code=12, value=None)
    assert units[25].value is not None


def test_thresholds_are_those_of_the_table() -> None:
    assert {code: row["threshold"] for code, row in table().items()} == THRESHOLDS


def test_a_smile_is_a_lip_corner_puller_and_no_depressor() -> None:
    units = astronaut().measured()
    assert units[12].value >= THRESHOLDS[12] + 0.3
    assert units[15].value < THRESHOLDS[15]
    assert units[12].value > units[15].value + 0.3


def test_in_a_mirror_left_and_right_change_places() -> None:
    units, in_a_mirror = astronaut().measured(), astronaut().in_a_mirror().measured()
    for code in set(SIDED) & set(measured_codes()):
        assert in_a_mirror[code].left == pytest.approx(units[code].right, abs=0.05)
        assert in_a_mirror[code].right == pytest.approx(units[code].left, abs=0.05)


@pytest.mark.parametrize(("side", "other", "towards"), [("left", "right", 1), ("right", "left", -1)])
def test_a_smile_of_one_half_of_the_face_is_measured_on_that_side(
    side: str, other: str, towards: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    frontal, pose = frontalise(astronaut().points)
    at_rest = mean_face()[:, 0] * towards < 0  # the other half
    frontal[at_rest] = mean_face()[at_rest]
    skin = appearance(astronaut().grey, astronaut().points)
    skin[["left", "right"].index(other)] = 128  # nothing to be seen
    monkeypatch.setattr(action_units, "appearance", lambda *_: skin)
    unit = action_units.measure_action_units(astronaut().grey, astronaut().points, frontal, pose)[12]
    assert getattr(unit, side) > getattr(unit, other) + 0.1  # it is told more weakly: such skin is of no smile


def test_the_value_is_the_mean_of_the_sides() -> None:
    for code in set(SIDED) & set(measured_codes()):
        unit = astronaut().measured()[code]
        assert unit.value == pytest.approx((unit.left + unit.right) / 2, abs=0.001)


def test_of_a_unit_whose_sides_are_hardly_told_apart_hardly_a_difference_is_told() -> None:
    kept = dict(zip(AU_CODES, regressor.regressor().kept, strict=True))
    assert kept[5] < 0.2 < 0.6 < kept[12]


def test_a_unit_read_on_the_whole_face_has_no_sides() -> None:
    units = astronaut().measured()
    assert all(units[code].left is units[code].right is None for code in AU_CODES if code not in SIDED)


@pytest.mark.parametrize(("yaw", "hidden", "seen"), [(36, "left", "right"), (-36, "right", "left")])
def test_the_far_side_of_a_head_turned_beyond_35_degrees_is_not_measured(yaw: float, hidden: str, seen: str) -> None:
    for code in set(SIDED) & set(measured_codes()):
        assert getattr(facing(yaw)[code], hidden) is None
        assert facing(yaw)[code].value == getattr(facing(yaw)[code], seen)


@pytest.mark.parametrize("yaw", [-35, 35])
def test_up_to_35_degrees_both_sides_are_measured(yaw: float) -> None:
    assert None not in (facing(yaw)[12].left, facing(yaw)[12].right)


@pytest.mark.parametrize("yaw", [-61, 61])
def test_a_head_turned_beyond_60_degrees_is_not_measured_at_all(yaw: float) -> None:
    assert not nothing(facing(np.sign(yaw) * 60))
    assert nothing(facing(yaw))


def test_a_face_of_a_handful_of_pixels_is_not_measured() -> None:
    apart = np.linalg.norm(astronaut().points[LEFT_EYE_OUTER] - astronaut().points[RIGHT_EYE_OUTER])
    assert not nothing(astronaut().resized(13 / apart).measured())
    assert nothing(astronaut().resized(11 / apart).measured())


@pytest.mark.parametrize("half", ["left", "right"])
def test_of_a_face_half_outside_the_picture_the_half_inside_is_measured(half: str) -> None:
    middle = round(float(astronaut().points[168, 0]))
    if half == "left":  # her left is at the viewer's right
        units = astronaut().cut_off(left=middle).measured()
    else:
        units = Photographed(astronaut().grey[:, :middle].copy(), astronaut().points).measured()
    outside = "right" if half == "left" else "left"
    assert getattr(units[12], outside) is None
    assert units[12].value == getattr(units[12], half)
    assert units[12].value >= THRESHOLDS[12]


def test_what_lies_above_the_picture_is_not_measured_and_what_lies_below_is() -> None:
    nose = round(float(astronaut().points[4, 1]))
    units = astronaut().cut_off(top=nose).measured()
    assert units[1] == ActionUnit(code=1, value=None)
    assert units[12].value >= THRESHOLDS[12]


def picture(kind: str, size: tuple[int, int]) -> np.ndarray:
    made = {
        "noise": np.random.default_rng(0).integers(0, 256, size),
        "black": np.zeros(size),
        "white": np.full(size, 255),
    }
    return made[kind].astype(np.uint8)


@pytest.mark.parametrize("kind", ["noise", "black", "white"])
def test_values_stay_within_0_and_1_whatever_the_picture_shows(kind: str) -> None:
    units = Photographed(picture(kind, astronaut().grey.shape), astronaut().points).measured()
    assert all(0 <= units[code].value <= 1 for code in measured_codes())


def test_values_stay_within_0_and_1_however_odd_the_mesh() -> None:
    odd = mean_face() + np.random.default_rng(0).normal(0, 1, (478, 3)).astype(np.float32)
    pose = Pose(yaw=0, pitch=0, roll=0)
    units = action_units.measure_action_units(astronaut().grey, astronaut().points, odd, pose)
    assert all(0 <= units[code].value <= 1 for code in measured_codes())


Measured = Callable[[Emotion], np.ndarray]


@pytest.fixture(scope="module")
def of_ferplus(shared_data: Path) -> Measured:
    """Measured values, (faces, 24), of some FER+ training faces of an emotion, of the tenth nothing is fitted on."""
    faces = ferplus.read(shared_data / "ferplus", "train")
    faces = faces.where(ferplus.held_out(faces.names))

    @cache
    def measured(emotion: Emotion) -> np.ndarray:
        shown = faces.images[faces.strict_majority() == EMOTIONS.index(emotion)][:150]
        found = [find(decode(Image.fromarray(image))) for image in shown]
        return np.array([[face[0].action_units[code].value for code in AU_CODES] for face in found if face], float)

    return measured


def test_real_resting_faces_measure_near_nothing(of_ferplus: Measured) -> None:
    resting = of_ferplus("neutral")
    assert np.mean(resting[~np.isnan(resting)] < 0.25) >= 0.95


@pytest.mark.parametrize(
    ("emotion", "code", "least", "most"),
    [
        ("happiness", 12, 0.75, 1.0),
        ("happiness", 9, 0.0, 0.3),  # of most smiles it was, before what sets them apart from renders was fitted on
        ("happiness", 10, 0.0, 0.3),
        ("anger", 4, 0.45, 1.0),  # of 1 in 20 before
        ("surprise", 1, 0.6, 1.0),
        ("neutral", 4, 0.0, 0.15),
    ],
)
def test_real_faces_show_the_units_of_their_emotion_and_not_those_of_others(
    of_ferplus: Measured, emotion: Emotion, code: int, least: float, most: float
) -> None:
    values = of_ferplus(emotion)[:, AU_CODES.index(code)]
    assert least <= np.mean(values[~np.isnan(values)] >= THRESHOLDS[code]) <= most


def test_real_happy_faces_measure_a_smile(of_ferplus: Measured) -> None:
    happy, resting = (np.nanmean(of_ferplus(emotion)[:, AU_CODES.index(12)]) for emotion in ("happiness", "neutral"))
    assert happy > resting + 0.2
