from __future__ import annotations

import pytest

from facevlm.data.cot import labelled, measured
from facevlm.data.sample import UnitLabel
from facevlm.errors import InputError
from facevlm.types import ActionUnit
from tests.data.cot.faces import measure


def codes(units: dict[int, ActionUnit]) -> list[int]:
    return [each.au for each in measured(units).observations]


def test_what_is_measured_is_seen_from_a_quarter_on_the_strongest_first() -> None:
    assert codes(measure(AU4=0.3, AU12=0.7, AU1=0.24)) == [12, 4]


def test_only_what_measures_near_nothing_is_called_absent() -> None:
    assert measured(measure(AU4=0.3, AU12=0.05, AU1=0.15)).absent == {12}


def test_what_could_not_be_measured_is_neither_seen_nor_absent() -> None:
    coding = measured({12: ActionUnit(code=12, value=None)})
    assert not coding.seen | coding.absent


def test_one_raised_corner_is_told_by_its_side() -> None:
    (seen,) = measured({12: ActionUnit(code=12, value=0.35, left=0.7, right=0.0)}).observations
    assert (seen.side, seen.intensity) == ("left", "D")


def test_both_sides_are_seen_where_both_move_though_one_moves_more() -> None:
    (seen,) = measured({12: ActionUnit(code=12, value=0.6, left=0.9, right=0.3)}).observations
    assert seen.side == "both"


@pytest.mark.parametrize(
    ("left", "right", "side"),
    [(0.35, 0.17, "left"), (0.19, 0.3, "right"), (0.35, 0.2, "both"), (0.28, 0.24, "both")],
)
def test_a_unit_is_told_of_the_side_that_shows_it_alone(left: float, right: float, side: str) -> None:
    (seen,) = measured({12: ActionUnit(code=12, value=(left + right) / 2, left=left, right=right)}).observations
    assert seen.side == side


@pytest.mark.parametrize(("units", "kept"), [(measure(AU24=0.6, AU25=0.4), [24]), (measure(AU5=0.3, AU43=0.8), [43])])
def test_of_two_measured_units_that_exclude_each_other_the_weaker_is_left_out(
    units: dict[int, ActionUnit], kept: list[int]
) -> None:
    assert codes(units) == kept


def test_a_label_that_is_not_present_is_absent_and_one_not_given_is_neither() -> None:
    coding = labelled({12: UnitLabel(present=True), 6: UnitLabel(present=False)})
    assert (coding.seen, coding.absent) == ({12}, {6})


def test_a_grade_that_is_not_known_stands_as_c_and_is_remembered_as_unknown() -> None:
    coding = labelled({12: UnitLabel(present=True)})
    assert (coding.observations[0].intensity, coding.ungraded) == ("C", {12})


def test_a_side_that_is_not_known_stands_as_both_and_is_remembered_as_unknown() -> None:
    coding = labelled({12: UnitLabel(present=True, intensity="B")})
    assert (coding.observations[0].side, coding.unsided) == ("both", {12})


def test_a_unit_that_is_read_on_the_whole_face_has_no_side() -> None:
    assert labelled({17: UnitLabel(present=True, side="left")}).observations[0].side == "both"


@pytest.mark.parametrize(("first", "second"), [(24, 25), (24, 26), (5, 43), (18, 20), (26, 27)])
def test_labels_that_contradict_each_other_are_refused_by_name(first: int, second: int) -> None:
    with pytest.raises(InputError, match=f"AU {first} and AU {second} cannot be seen together"):
        labelled({code: UnitLabel(present=True) for code in (first, second)})
