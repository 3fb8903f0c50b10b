from __future__ import annotations

import re
from pathlib import Path

import pytest

from app import cards, measures
from app.overlay import Look
from facevlm.reasoning import FaceReasoner
from facevlm.types import Analysis, FaceAnalysis
from tests.reasoning.conftest import ANSWER, CLAIM, ScriptedModel


@pytest.fixture(scope="module")
def analysis(astronaut: Path) -> Analysis:
    return FaceReasoner(ScriptedModel("face")).analyze(astronaut)


def card(analysis: Analysis, look: Look | None = None, **changes: object) -> str:
    assert analysis.marked is not None
    told = analysis.faces[0].model_copy(update=changes)
    return cards.html(told, analysis.marked.faces[0], analysis.marked.image, look or Look())


def test_a_card_tells_emotion_claims_and_verdicts(analysis: Analysis) -> None:
    written = card(analysis)
    assert "happiness" in written and "90%" in written
    assert "AU12 lip corner puller" in written and "✓ supported" in written
    assert "faithfulness" in written and "coverage" in written


def test_measured_stands_beside_claimed(analysis: Analysis) -> None:
    sides = analysis.faces[0].action_unit_sides[12]
    written = card(analysis)
    assert "width: 70.0%" in written  # claimed, grade D
    assert f"{max(sides.values()):.2f} on the" in written


def test_what_lowers_trust_is_said(analysis: Analysis) -> None:
    quality = analysis.faces[0].quality.model_copy(update={"flags": ("small", "blurred")})
    assert "small, blurred" in card(analysis, quality=quality)


def test_the_chosen_line_is_marked(analysis: Analysis) -> None:
    told = analysis.faces[0]
    chosen = cards.spot(told, measures.bars(told)[0])
    assert len(re.findall("fv-chosen", card(analysis, Look(chosen=chosen)))) == 1
    assert "fv-chosen" not in card(analysis)


def test_what_a_model_wrote_adds_no_markup(astronaut: Path) -> None:
    evil = "<img src=x onerror=alert(1)>"
    model = ScriptedModel("face", ANSWER | {"observations": [CLAIM | {"evidence": evil}], "interpretation": evil})
    assert "<img src=x" not in card(FaceReasoner(model).analyze(astronaut))


def test_a_face_without_an_explanation_says_why(analysis: Analysis) -> None:
    changes = {"explanation": None, "checks": (), "faithfulness": None, "coverage": None, "error": "no JSON"}
    told: FaceAnalysis = analysis.faces[0].model_copy(update=changes)
    assert "no JSON" in card(analysis, **changes) and cards.heading(told) == "Face 1: no answer"
