"""From the messages of a request to what is asked: which pictures, which question, and the talk around it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from facevlm.completions.limits import Limits
from facevlm.completions.request import ChatRequest, ImagePart, JsonSchemaFormat, Message, TextPart
from facevlm.completions.schema import check_schema
from facevlm.errors import InputError
from facevlm.prompting.dialogue import WORDLESS, Dialogue
from facevlm.types import Turn

Form = Literal["text", "analysis", "schema"]


@dataclass(frozen=True)
class Asked:
    """A request about pictures.

    `dialogue` is None where nothing was asked in words: then the faces are explained and no more.
    """

    urls: tuple[str, ...]
    dialogue: Dialogue | None
    form: Form


@dataclass(frozen=True)
class _Said:
    """Messages of one speaker that follow each other, as one."""

    role: str
    words: str
    urls: tuple[str, ...] = ()


def read(request: ChatRequest, limits: Limits) -> Asked | None:
    """What is asked; None where the conversation has no picture.

    The pictures are those of the last message of the user that has any; messages that follow each other count as one.
    Words beside them, or in the last message where they came earlier, are the question. Raises InputError where a
    limit is exceeded, a picture stands in a message that is not the user's, the last word is not the user's, or the
    schema of the answer is none.
    """
    said = _joined(request.messages)
    _check(request, said, limits)
    shown = [place for place, each in enumerate(said) if each.urls]
    if not shown:
        return None
    if said[-1].role != "user":
        raise InputError("messages: the last one is not the user's; end with a question or a picture")
    form, schema = wanted_form(request)
    if schema is not None:
        check_schema(schema)
    dialogue = _dialogue(said, shown[-1], schema)
    return Asked(said[shown[-1]].urls, dialogue if dialogue.question else None, form)


def wanted_form(request: ChatRequest) -> tuple[Form, dict[str, Any] | None]:
    """The form of the answer: Markdown, the Analysis in JSON, or JSON of the schema that is then given too.

    A schema is taken for the Analysis' own where it has its title, or is named `analysis` or `facevlm…`.
    """
    wanted = request.response_format
    if wanted is None or wanted.type == "text":
        return "text", None
    if not isinstance(wanted, JsonSchemaFormat):
        return "analysis", None
    name, schema = wanted.json_schema.name.lower(), wanted.json_schema.schema_
    if schema is None or schema.get("title") == "Analysis" or name == "analysis" or name.startswith("facevlm"):
        return "analysis", None
    return "schema", schema


def _joined(messages: Iterable[Message]) -> list[_Said]:
    """The conversation, system messages apart from where they stand: rules hold for all of it."""
    said: list[_Said] = []
    for message in messages:
        role = "system" if message.role == "developer" else message.role
        now = _Said(role, words(message), _urls(message))
        if said and said[-1].role == role:
            before = said.pop()
            now = _Said(role, "\n".join(filter(None, (before.words, now.words))), before.urls + now.urls)
        said.append(now)
    return said


def _dialogue(said: Sequence[_Said], place: int, schema: dict[str, Any] | None) -> Dialogue:
    """The talk around the picture at a place. An answer in the asker's own form needs a question, and gets one."""
    question = said[-1].words or (WORDLESS if schema is not None else "")
    return Dialogue(
        question=question,
        beside=said[place].words if place < len(said) - 1 else "",
        before=_turns(said[:place]),
        after=_turns(said[place + 1 :]),
        instructions="\n".join(each.words for each in said if each.role == "system"),
        answer_schema=schema,
    )


def _turns(said: Sequence[_Said]) -> tuple[Turn, ...]:
    """Earlier pictures are left out: the question is about the last ones, and their marks would be taken for these."""
    return tuple(
        Turn(role="user" if each.role == "user" else "assistant", text=each.words)
        for each in said
        if each.role in ("user", "assistant") and each.words
    )


def words(message: Message) -> str:
    """The text of a message."""
    content = message.content or ""
    if isinstance(content, str):
        return content.strip()
    return "\n".join(part.text.strip() for part in content if isinstance(part, TextPart) and part.text.strip())


def _urls(message: Message) -> tuple[str, ...]:
    if not isinstance(message.content, list):
        return ()
    return tuple(part.image_url.url for part in message.content if isinstance(part, ImagePart))


def _check(request: ChatRequest, said: Sequence[_Said], limits: Limits) -> None:
    schema = wanted_form(request)[1]
    characters = sum(len(each.words) for each in said) + (len(json.dumps(schema)) if schema else 0)
    for what, count, most in (
        ("messages", len(request.messages), limits.messages),
        ("pictures in one message", max(len(each.urls) for each in said), limits.pictures),
        ("characters of text", characters, limits.characters),
    ):
        if count > most:
            raise InputError(f"messages: {count:,} {what} are more than {most:,}; send fewer")
    if any(each.urls and each.role != "user" for each in said):
        raise InputError("messages: a picture stands in a message that is not the user's; put it into one that is")
