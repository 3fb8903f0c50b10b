from __future__ import annotations

from collections.abc import Callable

import pytest
from PIL import Image

from facevlm import prompting
from facevlm.errors import InputError
from facevlm.prompting.dialogue import WORDLESS, Dialogue
from facevlm.types import Face, MarkedImage, Turn

MakeMarked = Callable[..., MarkedImage]
SCHEMA = {"type": "object", "properties": {"smile": {"type": "boolean"}}}


def said(role: str, text: str) -> Turn:
    return Turn(role=role, text=text)


def test_a_question_beside_its_picture_is_put_with_it(marked: MakeMarked) -> None:
    system, picture = prompting.inquire_scene(marked(), Dialogue(question="Who smiles?")).turns
    assert (system.role, picture.role) == ("system", "user")
    assert "-----\nWho smiles?\n-----" in picture.text


def test_what_precedes_a_question_is_the_same_at_every_turn(marked: MakeMarked) -> None:
    picture, before = marked(), (said("user", "Hi"), said("assistant", "Send one."))
    first = prompting.inquire_scene(picture, Dialogue(question="Who smiles?", before=before))
    talk = (said("assistant", "Face 1."), said("user", "Why?"))
    later = Dialogue(question="Why?", beside="Who smiles?", before=before, after=talk)
    assert prompting.inquire_scene(picture, later).turns == (*first.turns, *talk)


def test_a_picture_that_came_without_words_stands_for_a_general_question(marked: MakeMarked) -> None:
    later = Dialogue(question="Why?", after=(said("assistant", "Face 1."), said("user", "Why?")))
    assert WORDLESS in prompting.inquire_scene(marked(), later).turns[1].text


def test_instructions_come_after_the_rules(marked: MakeMarked) -> None:
    asked = Dialogue(question="Who smiles?", instructions="Answer in French.")
    rules = prompting.inquire_scene(marked(), asked).turns[0].text
    assert rules.index("Never say or guess who a person is") < rules.index("Answer in French.")


def test_an_answer_in_the_askers_own_form_is_asked_for_and_bound(marked: MakeMarked) -> None:
    asked = prompting.inquire_scene(marked(), Dialogue(question="Who smiles?", answer_schema=SCHEMA))
    assert asked.answer_schema == SCHEMA
    assert '"smile"' in asked.turns[-1].text
    assert '{"answer": ""}' not in asked.turns[-1].text


def test_a_small_model_is_told_the_last_question_alone(face: Face) -> None:
    crop = Image.new("RGB", (64, 64))
    asked = prompting.inquire_face(face, crop, Dialogue(question="Why?", before=(said("user", "Hi"),)))
    (turn,) = asked.turns
    assert turn.text.endswith("answer: Why?")
    assert turn.images == (crop,)


def test_a_question_too_long_for_a_small_model_is_refused(face: Face, marked: MakeMarked) -> None:
    long = Dialogue(question="é" * 201)
    with pytest.raises(InputError, match="more than 400 bytes"):
        prompting.inquire_face(face, Image.new("RGB", (64, 64)), long)
    assert prompting.inquire_scene(marked(), long)
