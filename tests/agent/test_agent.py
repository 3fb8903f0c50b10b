from __future__ import annotations

import asyncio
import io
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facevlm.agent import Agent, Answer, Piece, Step
from facevlm.errors import InputError, ModelError
from facevlm.models import Piece as Written
from tests.agent.conftest import ScriptedModel, talk


def test_the_pieces_of_an_answer_are_its_text_and_steps_come_before_them(glad):
    agent = Agent(ScriptedModel())
    events = list(agent.ask(agent.start(), "What does this face show?", [glad]))
    assert isinstance(events[-1], Answer) and isinstance(events[0], Step)
    assert "".join(each.text for each in events if isinstance(each, Piece)) == events[-1].text


async def test_an_answer_can_be_awaited_piece_by_piece(glad):
    agent = Agent(ScriptedModel())
    events = [event async for event in agent.aask(agent.start(), "Is she smiling?", [glad])]
    assert isinstance(events[-1], Answer) and events[-1].text.startswith("Yes")


def test_words_of_the_model_that_hold_are_taken_with_their_evidence(glad):
    answer = talk(Agent(ScriptedModel("Yes, AU 12 is there: the lip corners are drawn up.")))("Is she smiling?", glad)
    (sentence,) = answer.sentences
    assert sentence.origin == "model" and not answer.stepped_in
    assert [(each.face, each.au, each.present) for each in sentence.evidence] == [(1, 12, True)]
    assert {region.place for region in sentence.evidence[0].regions} >= {"left", "right"}


@pytest.mark.parametrize(
    "words",
    [
        "No, there is no AU 12.",
        "Yes, AU 9 is there.",
        "Yes, AU 12 is there, and AU 4.",
        "Yes, AU 12 shows on the left alone.",
        "Yes, AU 12 is a trace.",
        "Yes: the lips are an open mouth (AU 12).",
        "Yes, AU 12 is there: the lipscorners up.",
        "Yes, AU 12 is there (the lip corners are drawn up.",
        "Yes, she really feels AU 12.",
        "Yes, face 2 shows AU 12.",
        "AU 6 is there.",
        "",
    ],
)
def test_a_template_steps_in_where_the_models_words_do_not_hold(words, glad):
    answer = talk(Agent(ScriptedModel(words)))("Is she smiling?", glad)
    assert answer.asked and answer.stepped_in
    assert answer.text.startswith("Yes") and "AU 12" in answer.text


def test_a_model_that_is_gone_leaves_an_answer_from_measurement(glad):
    ask = talk(Agent(ScriptedModel(error=ModelError("the server is gone; start it again"))))
    answer = ask("Why does she look happy?", glad)
    assert answer.failed and "AU 12" in answer.text and "the server is gone" in answer.text
    assert ask("Is AU 12 there?").text.startswith("Yes")


def test_every_sentence_about_a_face_has_evidence_of_a_face_that_is_there(ask, two):
    for text in (
        "What does face 2 show?",
        "Who smiles?",
        "Compare them.",
        "How sure are you?",
        "Why?",
        "Where is face 1?",
    ):
        answer = ask(text, *([two] if text.startswith("What does face") else []))
        assert all(sentence.evidence for sentence in answer.sentences)
        assert all(each.face in (1, 2) for sentence in answer.sentences for each in sentence.evidence)


def test_a_follow_up_is_about_the_face_last_spoken_of(ask, two):
    assert ask("Which face is smiling?", two).faces == (1,)
    assert ask("How strong is it?").faces == (1,)
    assert ask("And what about the other one?").faces == (2,)


def test_what_was_told_is_remembered_and_named(ask, glad):
    ask("She is at her wedding.", glad)
    assert "wedding" in ask("Why does she look happy?").text
    assert "wedding" in ask("What did I tell you?").text


def test_without_a_picture_it_asks_for_one(ask):
    assert "no picture" in ask("Is she smiling?").text


def test_a_picture_without_a_face_is_said_to_have_none(ask):
    blank = io.BytesIO()
    Image.new("RGB", (200, 200), "white").save(blank, "PNG")
    answer = ask("What does this face show?", blank.getvalue())
    assert "No face" in answer.text and answer.faces == ()


@pytest.mark.parametrize("broken", [b"", b"no picture at all", b"\x89PNG\r\n\x1a\n broken"])
def test_a_broken_file_is_told_of_and_the_conversation_goes_on(broken, ask, glad):
    assert ask("Is she smiling?", glad).text.startswith("Yes")
    answer = ask("And here?", broken)
    assert answer.failed and "could not be read" in answer.text
    assert ask("Is AU 12 there?").text.startswith("Yes")


def test_a_file_that_is_not_there_is_told_of(ask):
    assert "«nowhere.jpg» could not be read" in ask("What is this?", Path("/nowhere.jpg")).text


def test_an_empty_message_and_a_very_long_one_are_answered(ask, glad):
    assert "empty" in ask("").text
    assert ask("Is she smiling? " + "blah " * 10_000, glad).text


def test_a_face_that_is_not_there_is_not_spoken_of(ask, two):
    answer = ask("What does face 7 show?", two)
    assert "no face 7" in answer.text and "1 and 2" in answer.text and answer.faces == ()


def test_twelve_faces_are_each_spoken_of(pictures, ask):
    one = Image.open(pictures / "glad.jpg").resize((200, 200))
    crowd = Image.new("RGB", (800, 600))
    for place in range(12):
        crowd.paste(one, (place % 4 * 200, place // 4 * 200))
    data = io.BytesIO()
    crowd.save(data, "PNG")
    assert "12 faces" in ask("How many faces are there?", data.getvalue()).text


def test_two_conversations_do_not_mix(glad, two):
    agent = Agent(ScriptedModel())
    one, other = talk(agent), talk(agent)
    one("What does this face show?", glad)
    other("What do they show?", two)
    assert "one face" in one("How many faces are there?").text
    assert "2 faces" in other("How many faces are there?").text


def test_conversations_asked_at_once_each_get_their_own_answer(glad, two):
    agent = Agent(ScriptedModel())
    talks = [talk(agent) for _ in range(6)]
    answers: dict[int, str] = {}

    def run(place: int) -> None:
        answers[place] = talks[place]("How many faces are there?", two if place % 2 else glad).text

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(talks))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert all(("2 faces" if place % 2 else "one face") in text for place, text in answers.items())


def test_an_answer_that_is_stopped_leaves_the_conversation_as_it_was(glad):
    agent = Agent(ScriptedModel("Yes, AU 12 is there."))
    conversation = agent.start()
    list(agent.ask(conversation, "Is she smiling?", [glad]))
    events = agent.ask(conversation, "What does this face show?")
    next(events)
    events.close()
    *_, answer = agent.ask(conversation, "Is AU 12 there?")
    assert answer.text.startswith("Yes")
    assert [said.role for said in agent.history(conversation)] == ["user", "assistant"] * 3


def test_an_answer_that_takes_too_long_is_stopped_and_says_so(glad):
    class Slow(ScriptedModel):
        async def pieces(self, conversations, sampling=None):
            for _ in range(500):
                await asyncio.sleep(0.02)
                yield Written(0, "x")

    answer = talk(Agent(Slow(), limit=0.5))("Is she smiling?", glad)
    assert answer.failed and "longer than" in answer.text


def test_a_conversation_that_is_not_there_is_an_error():
    with pytest.raises(InputError, match="no such conversation"):
        list(Agent(ScriptedModel()).ask("nowhere", "Hello"))


def test_thirty_megapixels_are_read(pictures):
    data = io.BytesIO()
    Image.fromarray(np.asarray(Image.open(pictures / "glad.jpg").resize((5500, 5500)))).save(data, "JPEG")
    assert "one face" in talk(Agent(ScriptedModel()))("How many faces are there?", data.getvalue()).text
