"""What is measured of an action unit, told alike wherever the page and its files show it: as answers tell it.

An answer counts a unit as strong as on its stronger side, as FACS scores what is not even; claims of both sides are
checked against the mean of the two. So the stronger side comes first, and the other beside it.
"""

from __future__ import annotations

from facevlm.agent.evidence import strength
from facevlm.reasoning import report, text
from facevlm.reasoning.report import Bar
from facevlm.types import ActionUnit, Analysis, FaceAnalysis

STRONGER = "Where a claim is of both sides, what is told as measured is the stronger side."


def of_line(told: FaceAnalysis, bar: Bar) -> str:
    """What is measured, as the line of a face's card tells it."""
    unit = _unit(told, bar.code)
    return text.strengths(unit.value, unit.left, unit.right, bar.side)


def bars(told: FaceAnalysis) -> list[Bar]:
    """The claims in their order, then what is there and not claimed, strongest first."""
    return report.bars(_as_in_answers(told))


def analysis_as_in_answers(analysis: Analysis) -> Analysis:
    """The analysis with the strengths that answers tell; a claim of one side keeps what was measured on that side."""
    return analysis.model_copy(update={"faces": tuple(_as_in_answers(face) for face in analysis.faces)})


def _as_in_answers(told: FaceAnalysis) -> FaceAnalysis:
    units = {code: strength(_unit(told, code)) for code in told.action_units}
    checks = tuple(
        check.model_copy(update={"measured": units.get(check.au)}) if check.side == "both" else check
        for check in told.checks
    )
    return told.model_copy(update={"action_units": units, "checks": checks})


def _unit(told: FaceAnalysis, code: int) -> ActionUnit:
    sides = told.action_unit_sides.get(code, {})
    return ActionUnit(code=code, value=told.action_units.get(code), left=sides.get("left"), right=sides.get("right"))
