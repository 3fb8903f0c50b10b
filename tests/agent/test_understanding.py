from __future__ import annotations

import pytest

from facevlm.agent.language import parts
from facevlm.agent.understanding import understand


@pytest.mark.parametrize(
    ("text", "intent", "units"),
    [
        ("Is she smiling?", "presence", (12,)),
        ("Is action unit four there?", "presence", (4,)),
        ("Does the upper lip raiser act?", "presence", (10,)),
        ("How strong is AU 6?", "strength", (6,)),
        ("Which side of the mouth is raised more, left or right?", "side", (12,)),
        ("On which side is AU 14 stronger?", "side", (14,)),
        ("Who smiles?", "which", (12,)),
        ("How many faces are there?", "count", ()),
        ("What is AU 12?", "definition", (12,)),
        ("What does this face show?", "describe", ()),
        ("Why not fear?", "why_not", ()),
        ("Why does he look angry?", "why", ()),
        ("Why does face 2 look like that?", "why", ()),
        ("Compare face 1 and face 2.", "compare", ()),
        ("Who smiles more, face 1 or face 2?", "more", (12,)),
        ("How sure are you?", "certainty", ()),
        ("Is the head turned?", "pose", ()),
        ("What is for lunch?", "beyond", ()),
        ("wat is his emoton", "emotion", ()),
        ("does she smlie", "presence", (12,)),
        ("is she hapy", "looks", ()),
        ("What would change your mind?", "why_not", ()),
        ("Tell me everything.", "describe", ()),
        ("What does faithfulness mean?", "faithfulness", ()),
        ("How was this measured?", "method", ()),
        ("Who looks at the camera?", "pose", ()),
        ("I don't believe you.", "checks", ()),
        ("What percentage of people are happy?", "count", ()),
        ("Bonjour", "not_understood", ()),
    ],
)
def test_a_question_is_understood_by_what_it_asks_for(text, intent, units):
    asked = understand(text)
    assert (asked.intent, asked.units) == (intent, units)


@pytest.mark.parametrize(
    "text",
    [
        "Who looks happiest, and why?",
        "Which face looks happiest and how can you tell?",
        "Who looks happiest? What makes you say that?",
        "Who looks happiest (and on what grounds)?",
        "Point out the happiest face, with reasons.",
        "Name the happiest face and justify it.",
        "Explain who looks happiest.",
        "How can you tell which face looks happiest?",
    ],
)
def test_a_question_that_also_asks_for_its_grounds_is_two(text):
    assert [understand(each).intent for each in parts(text).questions] == ["which", "why"]


@pytest.mark.parametrize(
    "text", ["Can you tell me why she smiles?", "What do you see?", "How do you know that?", "Why?"]
)
def test_a_question_of_grounds_alone_is_one(text):
    assert len(parts(text).questions) == 1


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("Which fits better, joy or surprise?", ("joy", "surprise")),
        ("What describes face 1 best: calm, tense or tired?", ("calm", "tense", "tired")),
        ("Is she more bored or amused?", ("bored", "amused")),
        ("Is that a smirk?", ("smirk",)),
    ],
)
def test_words_beside_the_emotions_are_for_a_matcher(text, labels):
    asked = understand(text)
    assert (asked.intent, asked.labels) == ("match", labels)


def test_open_eyes_are_the_opposite_of_closed_ones():
    asked = understand("Are the eyes open?")
    assert asked.units == (43,) and asked.opposite


def test_a_unit_that_is_not_known_is_kept_apart():
    assert understand("What is AU 99?").unknown == (99,)


@pytest.mark.parametrize(
    ("text", "numbers", "places"),
    [
        ("What does face 2 show?", (2,), ()),
        ("Compare 1 and 3.", (1, 3), ()),
        ("Is the second person smiling?", (2,), ()),
        ("Who is second from the left?", (), ("left 2",)),
        ("Is the person on the right smiling?", (), ("right 1",)),
        ("Is the left brow raised?", (), ()),
        ("What does the largest face show?", (), ("large",)),
        ("Is the face in the middle calm?", (), ("middle",)),
        ("What about 11?", (11,), ()),
    ],
)
def test_faces_are_pointed_to_by_number_place_and_size(text, numbers, places):
    about = understand(text).about
    assert (about.numbers, about.places) == (numbers, places)


def test_what_is_told_is_parted_from_what_is_asked():
    assert parts("She is my sister. Is she smiling?") == (("Is she smiling?",), ("She is my sister.",))
    assert parts("He has a cold, are his eyes narrow?") == (("are his eyes narrow?",), ("He has a cold",))


def test_two_questions_in_one_sentence_are_two():
    assert parts("Who smiles, and why does face 1 look happy?").questions == (
        "Who smiles",
        "why does face 1 look happy?",
    )
