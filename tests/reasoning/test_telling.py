from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facevlm.reasoning import telling
from facevlm.reasoning.draft import claims, draft, finished
from facevlm.types import Box, Face, Quality
from tests.reasoning.conftest import ANSWER, CLAIM

LONG = ANSWER | {
    "observations": [
        CLAIM,
        {**CLAIM, "au": 1, "side": "left", "evidence": 'up, "so" <b>'},
        {**CLAIM, "intensity": "A"},
    ],
    "interpretation": "A *smile*,\n  wide & é — typical.",
}


@pytest.fixture
def faces(face: Face) -> dict[int, Face]:
    return {1: face, 2: face.model_copy(update={"id": 2})}


def grows(of, text: str) -> str:
    """The text at the end, having checked that every beginning of the answer gives a beginning of it."""
    whole = of(text)
    for end in range(len(text)):
        assert whole.startswith(of(text[:end]))
    return whole


def test_what_is_told_of_a_face_grows_with_its_answer(face: Face) -> None:
    told = grows(lambda text: telling.face(text, face, "normal"), json.dumps(LONG))
    assert told == (
        "## Face 1\n\n"
        "- AU12 lip corner puller, severe: the lip corners are drawn up (✓ supported, measured 0.70)\n"
        '- AU1 inner brow raiser, severe, left: up, "so" \\<b\\> '
        "(✓ supported, measured 0.60 on the left, 0.20 on the right)\n\n"
        "A \\*smile\\*, wide \\& é — typical.\n\n"
        "Expression: **happiness**"
    )


def test_what_is_told_of_a_scene_grows_with_its_answer(faces: dict[int, Face]) -> None:
    answer = {"faces": [{"id": face_id, "context": "a studio", **ANSWER} for face_id in (2, 1, 3)]}
    told = grows(lambda text: telling.scene(text, faces, "normal"), json.dumps(answer))
    assert told.index("## Face 2") < told.index("## Face 1")
    assert "Face 3" not in told  # was not drawn


def test_an_answer_to_a_question_grows(face: Face) -> None:
    assert grows(telling.answer, json.dumps({"answer": "Yes: *é* \\ \n so."})) == "Yes: \\*é\\* \\\\ so."


def test_fields_are_told_in_the_order_in_which_they_are_written(face: Face) -> None:
    label_first = {"emotion": "fear", "observations": [CLAIM], "interpretation": "So."}
    told = grows(lambda text: telling.face(text, face, "normal"), json.dumps(label_first))
    assert told.index("fear") < told.index("AU12") < told.index("So.")


def test_a_claim_is_told_as_soon_as_it_is_complete(face: Face) -> None:
    text = json.dumps(LONG)
    end = text.index("drawn up") + len('drawn up"')
    assert "AU12" in telling.face(text[:end], face, "normal")
    assert "AU12" not in telling.face(text[: end - 1], face, "normal")


def test_thoughts_before_an_answer_are_not_told(face: Face) -> None:
    assert telling.answer('<think>{"answer": "no"}') == ""
    assert telling.answer('<think>{"answer": "no"}</think>\n```json\n{"answer": "yes') == "yes"


@pytest.mark.parametrize("field", [{"au": 3}, {"au": "12"}, {"intensity": "Z"}, {"side": "up"}, {"evidence": 3}])
def test_a_claim_outside_the_vocabulary_is_left_out(field: dict[str, object]) -> None:
    assert claims(finished(json.dumps({"observations": [CLAIM | field]}))) == []


@given(st.text(max_size=60))
def test_any_text_at_all_has_a_draft(text: str) -> None:
    assert isinstance(draft(text), dict)
    assert isinstance(draft("{" + text), dict)


def test_quality_is_told_with_the_summary(scripted, astronaut, faces: dict[int, Face]) -> None:
    from facevlm import FaceReasoner

    analysis = FaceReasoner(scripted()).analyze(astronaut)
    (one,) = analysis.faces
    dim = one.model_copy(update={"quality": Quality(score=0.2, flags=("small", "dark")), "box": Box(**vars(one.box))})
    told = telling.closing(analysis.model_copy(update={"faces": (dim,)}), "normal")
    assert "- Face 1: happiness 90%; faithfulness 100%, coverage 100%; small, dark" in told
