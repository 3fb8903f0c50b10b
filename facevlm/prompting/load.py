"""Prompt templates as files: `prompts/scene/NAME.md` and `prompts/face/NAME.md`.

A file is a YAML front matter between two `---` lines, then the system and the user message under the headings
`# System` and `# User`, both Jinja. Scene prompts ask about a whole marked picture, face prompts about one crop.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field

from facevlm.config import asset_dir
from facevlm.errors import InputError, PrerequisiteError
from facevlm.types import Value

Asks = Literal["scene", "face"]
AnswerField = Literal["context", "observations", "interpretation", "emotion", "answer"]

_LAYOUT = re.compile(r"---\n(?P<front>.*?)\n---\n\s*# System\n(?P<system>.*)\n# User\n(?P<user>.*)", re.DOTALL)


class Prompt(Value):
    """A template and what it asks for. `answer` names the fields of one answer in the order they are written."""

    name: str
    version: int
    asks: Asks
    answer: tuple[AnswerField, ...]
    variables: tuple[str, ...]
    max_tokens: int = Field(gt=0)  # for one face, or for the whole answer to a question
    system: str
    user: str
    sha256: str

    @property
    def reference(self) -> str:
        """Name and the first 12 digits of the file's hash, as provenance quotes it."""
        return f"{self.name}@{self.sha256[:12]}"

    @property
    def per_face(self) -> bool:
        """Whether each face gets an answer of its own; a question about the picture gets one in all."""
        return "answer" not in self.answer


@cache
def names(asks: Asks) -> tuple[str, ...]:
    """The prompts that exist, sorted. Raises PrerequisiteError where the folder of prompts is missing."""
    found = tuple(sorted(path.stem for path in _folder(asks).glob("*.md")))
    if not found:
        raise PrerequisiteError(f"{_folder(asks)}: no prompts here; install facevlm again")
    return found


@cache
def load(name: str, asks: Asks) -> Prompt:
    """A prompt by name. Raises InputError, listing the prompts there are, for one that does not exist."""
    if name not in names(asks):
        raise InputError(f"no {asks} prompt is called {name!r}; use one of {', '.join(names(asks))}")
    content = (_folder(asks) / f"{name}.md").read_bytes()
    layout = _LAYOUT.fullmatch(content.decode())
    if layout is None:
        raise PrerequisiteError(f"{name}.md: needs a front matter and the headings «# System» and «# User»")
    return Prompt(
        **yaml.safe_load(layout["front"]),
        system=layout["system"].strip(),
        user=layout["user"].strip(),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _folder(asks: Asks) -> Path:
    return asset_dir("prompts") / asks
