from __future__ import annotations

from PIL import Image

from facevlm.prompting import Example, after_examples
from facevlm.types import Conversation, Turn

FACE = Image.new("RGB", (8, 8))
ASKED = Conversation(
    turns=(Turn(role="system", text="rules"), Turn(role="user", text="which?", images=(FACE,))), max_tokens=7
)


def test_examples_stand_between_the_rules_and_the_question() -> None:
    shown = after_examples(ASKED, [Example(image=FACE, label=name, source="a.png") for name in ("fear", "anger")])
    assert [turn.role for turn in shown.turns] == ["system", *("user", "assistant") * 2, "user"]
    assert (shown.turns[0], shown.turns[-1], shown.max_tokens) == (*ASKED.turns, 7)


def test_an_example_is_a_picture_and_its_label_is_the_answer() -> None:
    _, asked, told, _ = after_examples(ASKED, [Example(image=FACE, label="fear", source="a.png")]).turns
    assert asked.images == (FACE,) and "none of those you will be asked about" in asked.text
    assert (told.text, told.images) == ("fear", ())


def test_without_examples_a_conversation_stays_as_it_is() -> None:
    assert after_examples(ASKED, []) == ASKED
