from __future__ import annotations

from collections.abc import Callable

import pytest
from PIL import Image

from facevlm import facs, prompting
from facevlm.errors import InputError
from facevlm.types import Conversation, Face, MarkedImage

MakeMarked = Callable[..., MarkedImage]
EXPLAINING = pytest.mark.parametrize("name", ["sov-cot", "sov-label", "sov-label-first"])


def scene(name: str, picture: MarkedImage, question: str | None = None, *, measured: bool = False) -> Conversation:
    return prompting.render_scene(prompting.load(name, "scene"), picture, question, measured=measured)


def words(conversation: Conversation) -> str:
    return "\n".join(turn.text for turn in conversation.turns)


@EXPLAINING
def test_the_picture_comes_with_the_users_turn_alone(marked: MakeMarked, name: str) -> None:
    picture = marked()
    system, user = scene(name, picture).turns
    assert (system.role, system.images) == ("system", ())
    assert (user.role, user.images) == ("user", (picture.image,))


@EXPLAINING
def test_every_number_drawn_is_asked_about(marked: MakeMarked, name: str) -> None:
    assert "3 faces are to be read: 1, 2, 3." in words(scene(name, marked(3)))


@EXPLAINING
def test_every_action_unit_is_named(marked: MakeMarked, name: str) -> None:
    text = words(scene(name, marked()))
    assert all(f"{unit.code} {unit.name}: " in text for unit in facs.units())


@pytest.mark.parametrize("name", prompting.names("scene"))
def test_every_scene_prompt_forbids_identifying_and_judging_people(marked: MakeMarked, name: str) -> None:
    text = words(scene(name, marked(), "What shows?" if name == "sov-question" else None))
    assert "Never say or guess who a person is" in text
    assert "Never infer race, ethnicity, religion, sexuality, health, honesty" in text
    assert "Left and right are the person's own" in text


@pytest.mark.parametrize("name", ["sov-cot", "sov-label-first"])
def test_scene_body_and_other_people_come_before_the_face(marked: MakeMarked, name: str) -> None:
    text = words(scene(name, marked()))
    stages = [text.index(stage) for stage in ("1. Scene", "2. Body", "3. Other people", "4. Face", "5. Reading")]
    assert stages == sorted(stages)


@pytest.mark.parametrize("variant", ["plain", "box"])
def test_faces_without_numbers_are_told_by_their_place(marked: MakeMarked, variant: str) -> None:
    assert "Face 1: 10 to 30 across, 10 to 30 down." in words(scene("sov-cot", marked(variant=variant)))


def test_measurements_are_told_only_when_asked_for(marked: MakeMarked) -> None:
    assert "measurement" not in words(scene("sov-cot", marked()))
    assert "Face 1: 12 lip corner puller (D).\n" in words(scene("sov-cot", marked(), measured=True))


def test_the_room_for_an_answer_grows_with_the_faces(marked: MakeMarked) -> None:
    assert scene("sov-cot", marked(4)).max_tokens == 4 * scene("sov-cot", marked(1)).max_tokens
    assert scene("sov-question", marked(4), "Why?").max_tokens == scene("sov-question", marked(1), "Why?").max_tokens


def test_the_schema_travels_with_the_conversation(marked: MakeMarked) -> None:
    prompt = prompting.load("sov-cot", "scene")
    assert scene("sov-cot", marked(2)).answer_schema == prompting.answer_schema(prompt, (1, 2))


def test_a_question_is_put_as_it_was_asked(marked: MakeMarked) -> None:
    assert "Why {{ raised }} brows?" in words(scene("sov-question", marked(), "Why {{ raised }} brows?"))


def test_a_question_can_be_asked_of_a_picture_without_faces(marked: MakeMarked) -> None:
    assert "No face was found" in words(scene("sov-question", marked(0), "Who smiles?"))


@pytest.mark.parametrize("question", [None, "", "  "])
def test_a_missing_question_is_asked_for(marked: MakeMarked, question: str | None) -> None:
    with pytest.raises(InputError, match="sov-question answers a question; give one"):
        scene("sov-question", marked(), question)


def test_a_question_with_no_place_is_refused(marked: MakeMarked) -> None:
    with pytest.raises(InputError, match="sov-cot takes no question; use sov-question"):
        scene("sov-cot", marked(), "Who smiles?")


@EXPLAINING
def test_a_face_prompt_shows_the_crop_and_what_was_measured(face: Face, name: str) -> None:
    crop = Image.new("RGB", (64, 64))
    conversation = prompting.render_face(prompting.load(name, "face"), face, crop)
    assert conversation.turns[-1].images == (crop,)
    assert prompting.cue_text(face.cues) in conversation.turns[-1].text
    assert prompting.unit_text(face.action_units) in conversation.turns[-1].text
    assert conversation.answer_schema == prompting.answer_schema(prompting.load(name, "face"), None)
