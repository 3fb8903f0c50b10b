"""A user's question about a picture, with the talk it stands in."""

from __future__ import annotations

from typing import Any

from PIL import Image

from facevlm.prompting.load import load
from facevlm.prompting.render import render_face, render_scene
from facevlm.types import Conversation, Face, MarkedImage, Turn, Value

WORDLESS = "What does each face show, and why?"  # stands for the words of a picture that came without any


class Dialogue(Value):
    """What was said. The picture's own turn is not among `before` and `after`: it is made anew, with its marks."""

    question: str  # the last one, to be answered now
    beside: str = ""  # the words that came with the picture
    before: tuple[Turn, ...] = ()
    after: tuple[Turn, ...] = ()  # ends with the question, unless that came with the picture
    instructions: str = ""  # of whoever builds on FaceVLM; they come after its own rules
    answer_schema: dict[str, Any] | None = None


def inquire_scene(marked: MarkedImage, asked: Dialogue) -> Conversation:
    """The conversation about a whole marked picture that ends with the question.

    What precedes the question is the same at every turn of a dialogue, to the byte, so that a server's caches hit.
    Raises InputError where the question is missing or too long.
    """
    first = asked.beside or WORDLESS if asked.after else asked.question
    rendered = render_scene(load("sov-question", "scene"), marked, first, schema=asked.answer_schema)
    system, picture = rendered.turns
    rules = Turn(role="system", text="\n\n".join(text for text in (system.text, asked.instructions) if text))
    return rendered.model_copy(update={"turns": (rules, *asked.before, picture, *asked.after)})


def inquire_face(face: Face, crop: Image.Image, asked: Dialogue) -> Conversation:
    """The question alone, about one face: small models remember no talk. Raises as `inquire_scene` does."""
    return render_face(load("sov-question", "face"), face, crop, asked.question, schema=asked.answer_schema)
