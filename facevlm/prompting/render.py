"""Turns marked pictures and face crops into conversations by filling in a prompt's template."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache

from jinja2 import Environment, StrictUndefined, Template
from PIL import Image

from facevlm import facs
from facevlm.errors import InputError
from facevlm.prompting.cues import cue_text, unit_text
from facevlm.prompting.load import Asks, Prompt
from facevlm.prompting.schema import Schema, answer_schema
from facevlm.types import EMOTIONS, INTENSITY_VALUES, ActionUnit, Conversation, Face, MarkedImage, Turn

PROMINENT = 0.3  # measured from slight (B) upwards: weaker units cost a hint more than they tell (SoVTP, 2504.17224)

SCHEMA_TOKENS = 1024  # for an answer in the asker's own form

# Of the embedded model's 768 tokens a question may take what is left beside a long answer, one a byte at worst.
QUESTION_LENGTH: dict[Asks, int] = {"scene": 8000, "face": 400}

_JINJA = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)


def render_scene(
    prompt: Prompt,
    marked: MarkedImage,
    question: str | None = None,
    *,
    measured: bool = False,
    schema: Schema | None = None,
) -> Conversation:
    """One conversation about a whole marked picture, every numbered face in it.

    With `measured`, the prominent action units measured on each face are told as a hint. `schema` is that of the
    answer to a question, where the asker has one. Raises InputError where the prompt needs a question and has none,
    has no place for the one given, or the question is too long.
    """
    ids = tuple(face.id for face in marked.faces)
    variables = {
        "faces": [_scene_face(face, marked.image.size) for face in marked.faces],
        "variant": marked.variant,
        "measured": measured,
        "schema": None if schema is None else json.dumps(schema, ensure_ascii=False),
    }
    tokens = prompt.max_tokens * max(len(ids), 1) if prompt.per_face else prompt.max_tokens
    asked = _conversation(prompt, marked.image, variables, question, ids=ids, max_tokens=tokens)
    return asked if schema is None else _bound(asked, schema, SCHEMA_TOKENS)


def render_face(
    prompt: Prompt, face: Face, crop: Image.Image, question: str | None = None, *, schema: Schema | None = None
) -> Conversation:
    """One conversation about one face, from its marked crop and what was measured. Otherwise as `render_scene`."""
    variables: dict[str, object] = {"cues": cue_text(face.cues), "units": unit_text(face.action_units)}
    asked = _conversation(prompt, crop, variables, question, ids=None, max_tokens=prompt.max_tokens)
    return asked if schema is None else _bound(asked, schema, prompt.max_tokens)


def face_text(
    prompt: Prompt, cues: Mapping[str, float], units: Mapping[int, ActionUnit], question: str | None = None
) -> str:
    """The user's words of a face prompt by themselves, as training writes them."""
    variables = {"cues": cue_text(cues), "units": unit_text(units), "question": question}
    return _template(prompt.user).render(_knowledge() | variables)


def _conversation(
    prompt: Prompt,
    image: Image.Image,
    variables: dict[str, object],
    question: str | None,
    *,
    ids: tuple[int, ...] | None,
    max_tokens: int,
) -> Conversation:
    _expect_question(prompt, question)
    values = _knowledge() | variables | {"question": question}
    system, user = (_template(text).render(values) for text in (prompt.system, prompt.user))
    turns = (Turn(role="system", text=system), Turn(role="user", text=user, images=(image,)))
    return Conversation(
        turns=turns if system else turns[1:], answer_schema=answer_schema(prompt, ids), max_tokens=max_tokens
    )


def _bound(asked: Conversation, schema: Schema, tokens: int) -> Conversation:
    return asked.model_copy(update={"answer_schema": schema, "max_tokens": tokens})


def _expect_question(prompt: Prompt, question: str | None) -> None:
    takes_one = "question" in prompt.variables
    if takes_one and not (question and question.strip()):
        raise InputError(f"prompt {prompt.name} answers a question; give one, or use sov-cot")
    if question is not None and not takes_one:
        raise InputError(f"prompt {prompt.name} takes no question; use sov-question")
    longest = QUESTION_LENGTH[prompt.asks]
    if len((question or "").encode()) > longest:
        raise InputError(f"the question has more than {longest:,} bytes, this model's most; ask it in fewer words")


def _scene_face(face: Face, size: tuple[int, int]) -> dict[str, object]:
    width, height = size
    box = face.box
    edges = (box.x / width, box.right / width, box.y / height, box.bottom / height)
    left, right, top, bottom = (round(100 * min(max(edge, 0.0), 1.0)) for edge in edges)
    return {"id": face.id, "left": left, "right": right, "top": top, "bottom": bottom, "units": _prominent(face)}


def _prominent(face: Face) -> list[dict[str, object]]:
    return [
        {"code": code, "name": facs.unit(code).name, "intensity": facs.grade(measure.value)}
        for code, measure in sorted(face.action_units.items())
        if measure.value is not None and measure.value >= PROMINENT
    ]


@cache
def _knowledge() -> dict[str, object]:
    return {
        "units": facs.units(),
        "intensities": {letter: facs.intensity_word(letter) for letter in INTENSITY_VALUES},
        "emotions": EMOTIONS,
        "typical": {emotion: sorted(facs.typical(emotion)) for emotion in EMOTIONS if facs.typical(emotion)},
    }


@cache
def _template(text: str) -> Template:
    return _JINJA.from_string(text)
