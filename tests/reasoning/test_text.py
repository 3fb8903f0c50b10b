from __future__ import annotations

import pytest

from facevlm.reasoning.text import measured, percent, strengths
from facevlm.types import Check, Intensity, Side


@pytest.mark.parametrize(
    ("share", "said"), [(0.0, "0%"), (0.002, "<1%"), (0.006, "1%"), (0.5, "50%"), (0.9972, ">99%"), (1.0, "100%")]
)
def test_what_is_nearly_certain_is_not_called_certain(share: float, said: str) -> None:
    assert percent(share) == said


def test_the_stronger_side_comes_first_and_sides_alike_are_told_once() -> None:
    assert strengths(0.34, 0.26, 0.42) == "0.42 on the right, 0.26 on the left"
    assert strengths(0.34, 0.26, 0.42, first="left") == "0.26 on the left, 0.42 on the right"
    assert strengths(0.42, 0.421, 0.419) == "0.42 on both sides"
    assert strengths(0.42, 0.42, None) == "0.42 on the left"
    assert strengths(0.42, None, None) == "0.42"
    assert strengths(None, None, None) == "not measurable"


@pytest.mark.parametrize(
    ("side", "left", "right", "said"),
    [
        ("both", 0.44, 0.4, "0.42"),
        ("both", 0.72, 0.1, "0.72 on the left, 0.10 on the right"),
        ("right", 0.72, 0.1, "0.10 on the right, 0.72 on the left"),
        ("both", 0.42, None, "0.42"),
    ],
)
def test_what_a_claim_was_held_against_names_the_sides_where_they_differ(
    side: Side, left: float, right: float | None, said: str
) -> None:
    check = Check(au=12, claimed="C", side=side, measured=0.42, verdict="supported")
    assert measured(check, {"left": left, "right": right}) == said


def test_what_was_not_measured_has_no_words() -> None:
    assert measured(Check(au=12, claimed="C", side="both", measured=None, verdict="unmeasurable"), {}) == ""


@pytest.mark.parametrize(
    ("claimed", "value", "said"),
    [("E", 0.45, "0.45, marked"), ("D", 0.45, "0.45"), ("C", 0.85, "0.85, maximum"), ("B", 0.95, "0.95, maximum")],
)
def test_a_supported_claim_that_is_two_grades_off_is_told_the_measured_grade(
    claimed: Intensity, value: float, said: str
) -> None:
    check = Check(au=25, claimed=claimed, side="both", measured=value, verdict="supported")
    assert measured(check, {}) == said


def test_of_a_contradicted_claim_the_value_says_enough() -> None:
    check = Check(au=25, claimed="E", side="both", measured=0.05, verdict="contradicted")
    assert measured(check, {}) == "0.05"
