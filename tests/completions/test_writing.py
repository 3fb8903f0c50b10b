from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from facevlm.completions.writing import Known, Reply, Told
from facevlm.errors import ModelError
from facevlm.models import Piece
from facevlm.types import Generation

TEXTS = ("first answer", "second answer")


def parts():
    return [Told(0, str.upper), Told(1, str), Known(lambda: "end", needs=(0, 1))]


def test_parts_are_told_in_order_whatever_comes_first():
    reply = Reply(parts(), 2)
    assert reply.add(Piece(1, "second answer")) == ""
    assert reply.add(Piece(1, answer=Generation("second answer"))) == ""
    assert reply.add(Piece(0, "first")) == "FIRST"
    assert reply.add(Piece(0, answer=Generation("first answer"))) == " ANSWER\n\nsecond answer\n\nend"


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(1, 5)), max_size=12))
def test_the_text_is_the_same_however_the_answers_are_cut(cuts):
    reply, said, left = Reply(parts(), 2), "", list(TEXTS)
    for index, length in cuts:
        said += reply.add(Piece(index, left[index][:length]))
        left[index] = left[index][length:]
    for index, text in enumerate(TEXTS):
        said += reply.add(Piece(index, left[index]))
        said += reply.add(Piece(index, answer=Generation(text)))
    assert said == "FIRST ANSWER\n\nsecond answer\n\nend"


def test_nothing_is_said_before_a_model_has_written_something():
    reply = Reply([Known(lambda: "# Picture 1"), *parts()], 2)
    assert reply.add(Piece(0, answer=ModelError("down"))) == ""
    assert reply.add(Piece(1, "second")) == "# Picture 1\n\nsecond"


def test_what_is_empty_leaves_no_gap():
    reply = Reply([Known(str), Told(0, lambda text: ""), Told(0, str)], 1)
    assert reply.add(Piece(0, answer=Generation("text"))) == "text"


def test_what_is_taken_back_is_not_said_again():
    reply = Reply([Told(0, lambda text: "" if "}" in text else text)], 1)
    assert reply.add(Piece(0, "{abc")) == "{abc"
    assert reply.add(Piece(0, "}")) == ""
