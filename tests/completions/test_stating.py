"""What is said of a face with AU 6 and AU 12 on both sides, AU 14 on the left alone, and AU 20 unmeasured."""

from __future__ import annotations

import pytest

from facevlm.completions.stating import held, measured, settled
from facevlm.types import AU_CODES, ActionUnit, Face

SIDES = {6: (0.6, 0.6), 12: (0.8, 0.8), 14: (0.5, 0.0)}


def unit(code: int) -> ActionUnit:
    left, right = SIDES.get(code, (0.05, 0.05))
    return ActionUnit(code=code, value=(left + right) / 2, left=left, right=right)


@pytest.fixture(scope="module")
def face() -> Face:
    units = {code: unit(code) for code in AU_CODES} | {20: ActionUnit(code=20, value=None)}
    return Face.model_construct(id=1, action_units=units)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Is AU 12 there?", "Yes, the lip corners are drawn up: AU 12 (lip corner puller), maximum, measured at 0.80."),
        ("is au4 present", "No, there is no AU 4 (brow lowerer): it measures 0.05, and is seen from 0.2."),
        ("Does face 1 show AU 14?", "measured at 0.50 on the left."),
        ("Is the lip corner puller (AU 12) active?", "Yes, "),
        ("Can you see action unit 20?", "AU 20 (lip stretcher) cannot be measured on this face"),
        ("Is AU 99 there?", "AU 99 is not one that is known here"),
        ("And AU 4?", "No, "),
        ("What is AU 4?", "AU 4 is the brow lowerer: "),
    ],
)
def test_a_plain_question_about_action_units_needs_no_model(question, answer, face):
    assert answer in settled(question, face)


def test_each_of_several_action_units_is_answered(face):
    assert settled("Are AU 6 and 4 there?", face).count("AU ") == 2


@pytest.mark.parametrize(
    "question",
    ["Is AU 12 absent?", "Isn't AU 12 there?", "Is AU 12 there on the left?", "How strong is AU 12?", "Is she happy?",
     "Does AU 12 mean happiness?", "Who shows AU 12?", "Is AU 12 not there?"],
)  # fmt: skip
def test_other_questions_are_the_models(question, face):
    assert settled(question, face) is None


@pytest.mark.parametrize(
    "words",
    [
        "For happiness speak AU 6 and AU 12.",
        "Yes: the lip corners pull back and up, which is AU 12.",
        "No AU 9 is seen on this face.",
        "Who someone is cannot be answered here.",
    ],
)
def test_words_that_hold_stand(words, face):
    assert held(words, "Why does she look happy?", face) == words


@pytest.mark.parametrize(
    ("words", "question", "instead"),
    [
        ("Yes, AU 4 is there: the brows are lowered.", "Is she frowning?", "Seen on this face are AU 12 "),
        ("No AU 12 is seen on this face.", "Is AU 12 absent?", "AU 12 (lip corner puller) measures 0.80"),
        ("AU 12 has grade A, trace.", "How strong is AU 12?", "AU 12 (lip corner puller) measures 0.80"),
        ("For anger speak AU 4 and AU 7.", "Why does he look angry?", "Nothing that is seen on this face is typical"),
        ("AU 14 is symmetric.", "Is AU 14 symmetric?", "AU 14 (dimpler) measures 0.50 on the left and 0.00 on"),
        ("AU 9 says so.", "Why happy?", "For happiness speak AU 12 (lip corner puller, 0.80) and AU 6 (cheek raiser"),
        ("No AU 20 is seen.", "Is AU 20 strong?", "AU 20 (lip stretcher) cannot be measured"),
        ("AU 12 and blorp.", "What moves?", "Seen on this face are AU 12 "),
        ("AU 99 (banana) is there.", "What moves?", "Seen on this face are AU 12 "),
        ("", "What moves?", "Seen on this face are AU 12 "),
    ],
)
def test_words_that_do_not_hold_give_way_to_what_was_measured(words, question, instead, face):
    assert held(words, question, face).startswith(instead)


def test_what_is_said_beside_declining_is_checked(face):
    said = held("Who someone is cannot be answered here. AU 4 is seen.", "Who is this?", face)
    assert said.startswith("Who someone is cannot be answered here. Seen on this face are AU 12 ")


def test_of_a_face_near_rest_it_is_said_that_it_is(face):
    resting = face.model_copy(update={"action_units": {1: ActionUnit(code=1, value=0.0)}})
    assert measured("Why?", resting) == "No action unit stands out on this face; it is near rest."
