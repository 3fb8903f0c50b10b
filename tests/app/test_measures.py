from __future__ import annotations

from pathlib import Path

import pytest

from app import measures
from facevlm.agent import evidence
from facevlm.reasoning import FaceReasoner
from facevlm.types import Analysis, FaceAnalysis
from tests.reasoning.conftest import ScriptedModel


@pytest.fixture(scope="module")
def analysis(astronaut: Path) -> Analysis:
    return FaceReasoner(ScriptedModel("face")).analyze(astronaut)


def with_sides(analysis: Analysis, left: float, right: float, claimed: str = "both") -> FaceAnalysis:
    """The face as if its smile measured so."""
    told = analysis.faces[0]
    check = told.checks[0].model_copy(update={"side": claimed, "measured": left})
    units = told.action_units | {12: (left + right) / 2}
    sides = told.action_unit_sides | {12: {"left": left, "right": right}}
    return told.model_copy(update={"action_units": units, "action_unit_sides": sides, "checks": (check,)})


def test_a_line_has_the_number_of_the_answers_evidence(analysis: Analysis) -> None:
    assert analysis.marked is not None
    answered = {
        code: evidence.of_unit("p", analysis.marked.faces[0], code).measured for code in analysis.faces[0].action_units
    }
    lines = measures.bars(analysis.faces[0])
    assert lines and all(bar.measured == answered[bar.code] for bar in lines)


def test_a_claim_of_one_side_keeps_the_number_of_that_side(analysis: Analysis) -> None:
    assert measures.bars(with_sides(analysis, 0.1, 0.6))[0].measured == 0.6
    assert measures.bars(with_sides(analysis, 0.1, 0.6, claimed="left"))[0].measured == 0.1


def test_what_is_there_on_one_side_alone_has_a_line(analysis: Analysis) -> None:
    told = with_sides(analysis, 0.0, 0.3).model_copy(update={"explanation": None, "checks": ()})
    assert 12 in [bar.code for bar in measures.bars(told)]
