"""What a small model is let write, told as the pattern its answer is bound to."""

from __future__ import annotations

import re

import pytest

from facevlm.agent.binding import answer_schema
from facevlm.agent.case import Written
from facevlm.types import ActionUnit, Face
from tests.agent.conftest import ScriptedModel


@pytest.fixture(scope="session")
def even(pictures) -> Face:
    """A face whose AU 12 is the same on both sides."""
    from facevlm.reasoning import FaceReasoner

    (face,) = FaceReasoner(ScriptedModel()).see(pictures / "glad.jpg").marked.faces
    unit = ActionUnit(code=12, value=0.6, left=0.6, right=0.6)
    return face.model_copy(update={"action_units": {12: unit, 15: unit}})


def lets(asked: Written, text: str) -> bool:
    return re.fullmatch(answer_schema(asked)["properties"]["answer"]["pattern"], text) is not None


def test_it_begins_as_measurement_says(even):
    asked = Written(even, (), (12,), opening="Yes")
    assert lets(asked, "Yes, AU 12 is there: the lip corners are drawn up.")
    assert not lets(asked, "No, there is no AU 12.")


def test_it_names_the_units_that_were_picked_and_no_other(even):
    asked = Written(even, (), (6, 12))
    assert lets(asked, "Seen are AU 6 (cheek raiser, severe) and AU 12 (lip corner puller).")
    for text in ("Seen is AU 6.", "Seen are AU 12 and AU 6.", "Seen are AU 6, AU 12 and AU 14."):
        assert not lets(asked, text)


def test_what_is_lacking_can_only_be_denied(even):
    asked = Written(even, (), (12,), (15,))
    assert lets(asked, "AU 12 is typical of happiness; for sadness there is no AU 15.")
    assert not lets(asked, "AU 12 and AU 15 are typical of happiness.")


def test_sides_that_were_not_measured_are_not_named(even):
    asked = Written(even, (), (12,))
    assert lets(asked, "AU 12 (lip corner puller) shows on both sides.")
    assert not lets(asked, "AU 12 shows on the left.")
    assert not lets(asked, "The right lip corner is drawn up: AU 12.")


def test_it_is_one_sentence(even):
    assert not lets(Written(even, (), (12,)), "AU 12 is there. It is strong.")
