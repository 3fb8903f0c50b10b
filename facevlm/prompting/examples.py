"""Labelled faces shown to a model before it is asked: each is a question of its own, answered by the label."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import cache

from jinja2 import StrictUndefined, Template
from PIL import Image

from facevlm.config import asset_dir
from facevlm.errors import PrerequisiteError
from facevlm.types import Conversation, Turn, Value

_LAYOUT = re.compile(r"---\n.*?\n---\n\s*# User\n(?P<user>.*)\n# Assistant\n(?P<assistant>.*)", re.DOTALL)


class Example(Value):
    """A face and the label it was given."""

    image: Image.Image
    label: str
    source: str  # what the picture is called


def after_examples(asked: Conversation, examples: Sequence[Example]) -> Conversation:
    """A conversation with the examples before its question."""
    *before, question = asked.turns
    shown = [turn for example in examples for turn in _turns(example)]
    return asked.model_copy(update={"turns": (*before, *shown, question)})


@cache
def example_reference() -> str:
    """Name and the first 12 digits of the hash of the file that words an example, as provenance quotes it."""
    return f"example@{hashlib.sha256(_content()).hexdigest()[:12]}"


def _turns(example: Example) -> tuple[Turn, Turn]:
    user, assistant = (template.render(label=example.label) for template in _templates())
    return Turn(role="user", text=user, images=(example.image,)), Turn(role="assistant", text=assistant)


@cache
def _templates() -> tuple[Template, Template]:
    layout = _LAYOUT.fullmatch(_content().decode())
    if layout is None:
        raise PrerequisiteError("example.md: needs a front matter and the headings «# User» and «# Assistant»")
    user, assistant = (Template(layout[part].strip(), undefined=StrictUndefined) for part in ("user", "assistant"))
    return user, assistant


@cache
def _content() -> bytes:
    return (asset_dir("prompts") / "example.md").read_bytes()
