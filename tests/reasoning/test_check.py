from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facevlm.data.cot import coding
from facevlm.faces.action_units import THRESHOLDS
from facevlm.reasoning.check import check
from facevlm.types import ActionUnit, Explanation, Observation


def explained(*claims: Observation) -> Explanation:
    return Explanation(observations=claims, interpretation="", emotion="neutral")


@pytest.mark.parametrize(
    ("au", "side", "measured", "verdict"),
    [
        (12, "both", 0.7, "supported"),
        (4, "both", 0.0, "contradicted"),
        (14, "both", None, "unmeasurable"),
        (1, "left", 0.6, "supported"),
        (1, "right", 0.2, "contradicted"),  # below the threshold, and the other side moves more
        (12, "left", 0.72, "contradicted"),  # strong, but not clearly stronger than the right
        (4, "left", 0.0, "contradicted"),
        (2, "left", None, "unmeasurable"),  # the other side is hidden, so one-sidedness cannot be seen
        (25, "left", None, "unmeasurable"),  # has no sides
        (27, "both", None, "unmeasurable"),  # not among the measurements
    ],
)
def test_a_claim_is_held_against_the_side_it_names(face, claim, au, side, measured, verdict):
    (result,), _, _ = check(explained(claim(au, side)), face)
    assert (result.measured, result.verdict) == (measured, verdict)


def test_the_threshold_itself_counts_as_present(face, claim):
    at = ActionUnit(code=12, value=THRESHOLDS[12])
    (result,), _, _ = check(explained(claim(12)), face.model_copy(update={"action_units": {12: at}}))
    assert result.verdict == "supported"


@pytest.mark.parametrize(
    ("left", "right", "measured", "verdict"),
    [(0.5, 0.1, 0.1, "contradicted"), (0.1, 0.5, 0.1, "contradicted"), (0.4, 0.2, 0.3, "supported")],
)
def test_a_claim_of_both_sides_needs_both(face, claim, left, right, measured, verdict):
    uneven = ActionUnit(code=12, value=0.3, left=left, right=right)
    (result,), _, _ = check(explained(claim(12)), face.model_copy(update={"action_units": {12: uneven}}))
    assert (result.measured, result.verdict) == (measured, verdict)


def test_faithfulness_is_over_measurable_claims_and_coverage_over_all(face, claim):
    _, faithfulness, coverage = check(explained(claim(12), claim(4), claim(1, "left"), claim(14)), face)
    assert (faithfulness, coverage) == (pytest.approx(2 / 3), 3 / 4)


def test_faithfulness_is_null_when_nothing_could_be_measured(face, claim):
    assert check(explained(claim(14)), face)[1:] == (None, 0.0)


def test_both_are_null_without_claims(face):
    assert check(explained(), face) == ((), None, None)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(*[st.integers(0, 1000)] * 2)
def test_whatever_texts_say_of_a_measurement_is_supported_by_it(face, left, right):
    unit = ActionUnit(code=12, value=(left + right) / 2000, left=left / 1000, right=right / 1000)
    checks, _, _ = check(
        explained(*coding.measured({12: unit}).observations), face.model_copy(update={"action_units": {12: unit}})
    )
    assert {each.verdict for each in checks} <= {"supported"}


values = st.none() | st.floats(0, 1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values, values, values, st.sampled_from(["both", "left", "right"]))
def test_a_claim_is_unmeasurable_exactly_where_there_is_no_measurement(face, claim, value, left, right, side):
    unit = ActionUnit(code=12, value=value, left=left, right=right)
    (result,), _, _ = check(explained(claim(12, side)), face.model_copy(update={"action_units": {12: unit}}))
    assert (result.verdict == "unmeasurable") == (result.measured is None)
