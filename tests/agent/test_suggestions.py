"""The questions that are suggested under an answer, asked after every kind of answer that shows them."""

from __future__ import annotations

import pytest

from facevlm.agent.wording import suggestions

OF_ONE = [
    "What does this face show?",
    "What emotion does it read as?",
    "Is she angry?",
    "Is she smiling?",
    "How strong is AU 6?",
    "On which side is AU 12?",
    "Why?",
    "Why not anger?",
    "What is missing for anger?",
    "How sure is that?",
    "Does measurement agree?",
    "Is the head turned?",
    "Is the picture sharp?",
    "Where is AU 12?",
    "Who is she?",
    "Who smiles?",
    "How many faces are there?",
    "What is AU 12?",
    "What makes up fear?",
    "What can you do?",
    "Thanks!",
    "Qwertz.",
]
OF_SEVERAL = [
    "What do they show?",
    "Who smiles?",
    "Compare them.",
    "How many smile?",
    "Who smiles most?",
    "Who are they?",
]
KINDS = {
    "What does this face show?": ("describe", "AU 12"),
    "What emotion is this?": ("emotion", "happiness"),
    "What emotion does it read as?": ("emotion", "happiness"),
    "Why?": ("why", "AU"),
    "What speaks against it?": ("why_not", "happiness"),
    "Is it the same on both sides?": ("side", "side"),
    "What is AU 12?": ("definition", "zygomatic"),
}


@pytest.mark.parametrize("before", OF_ONE)
def test_every_suggestion_about_one_face_is_answered(before, ask, glad):
    suggested = ask(before, glad).suggestions
    assert set(suggested) <= KINDS.keys()
    for text in suggested:
        answer = ask(text)
        intent, says = KINDS[text]
        assert answer.intent == intent and says in answer.text, (text, answer.text)
        assert "not measured apart" not in answer.text


@pytest.mark.parametrize("before", ["What emotion does it read as?", "What does this face show?", "Is she happy?"])
def test_why_and_against_are_about_the_emotion_that_was_read(before, ask, glad):
    ask(before, glad)
    assert "happiness" in ask("Why?").text
    assert "happiness" in ask("What speaks against it?").text


@pytest.mark.parametrize("before", OF_SEVERAL)
def test_every_suggestion_about_several_faces_is_answered(before, ask, two):
    ask(before, two)
    for text in [each.replace("{other}", "2") for each in suggestions("several")] + suggestions("one"):
        answer = ask(text)
        assert answer.intent not in ("beyond", "not_understood") and answer.faces, (text, answer.text)
