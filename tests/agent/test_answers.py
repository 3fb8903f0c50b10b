"""What is said of faces whose action units are known."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Is AU 12 there?", "Yes"),
        ("Is AU 4 there?", "No"),
        ("Are the eyes open?", "Yes"),
        ("What does this face show?", "AU 12"),
        ("How strong is the smile?", "grade"),
        ("Is the smile the same on both sides?", "both sides alike"),
        ("Why not anger?", "anger there would need to be"),
        ("Where does AU 12 show?", "lip"),
        ("Does measurement agree?", "supported"),
        ("How sure are you?", "90%"),
        ("Is the head turned?", "facing the camera"),
        ("Is the photo sharp?", "quality is good"),
    ],
)
def test_one_face(text, says, ask, glad):
    assert says in ask(text, glad).text


@pytest.mark.parametrize(
    ("text", "faces"),
    [
        ("Who is smiling?", (1,)),
        ("Who raises the upper lip?", (2,)),
        ("Which face is on the right?", (2,)),
        ("Which face is the largest?", (1,)),
        ("Who smiles more, face 1 or face 2?", (1,)),
        ("Compare them.", (1, 2)),
    ],
)
def test_several_faces(text, faces, ask, two):
    assert ask(text, two).faces == faces


@pytest.mark.parametrize(
    ("text", "measured"),
    [
        ("Who looks happiest, and why?", {6, 12}),
        ("Who is smiling, and how can you tell?", {12}),
        ("Explain which face looks happiest.", {6, 12}),
    ],
)
def test_who_and_why_is_answered_with_what_was_measured_on_that_face(text, measured, ask, two):
    answer = ask(text, two)
    units = {each.au: each.measured for each in answer.sentences[-1].evidence}
    assert answer.faces == (1,) and set(units) <= measured
    assert all(f"{value:.2f}" in answer.text for value in units.values())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("What is AU 12?", "zygomatic"),
        ("What is AU 99?", "AU 99 is not one"),
        ("Which action units make up fear?", "AU 1 + AU 2 + AU 4 + AU 5"),
        ("What do the letters A to E mean?", "severe"),
        ("What can you do?", "action units"),
        ("What is the capital of France?", "cannot be told from a face"),
    ],
)
def test_questions_that_need_no_picture(text, says, ask):
    assert says in ask(text).text
