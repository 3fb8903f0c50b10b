"""The model that ships, asked as a chat completion."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from facevlm.completions import ChatRequest, Completer, Served


@pytest.fixture(scope="module")
def served(nano: Path) -> Served:
    return Served.local(threads=1)


@pytest.fixture
def answering(served: Served) -> Completer:
    return Completer(served)


async def test_a_question_is_answered_and_explained_token_by_token(answering, asking, portrait):
    request = asking("Is AU 12 there?", portrait)
    whole = await answering.complete(request)
    chunks = [chunk async for chunk in answering.stream(request)]
    text = whole.choices[0].message.content
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == text
    assert len(chunks) > 5
    assert "12" in text[: text.index("## Face 1")]
    assert "Expression: **happiness**" in text
    assert whole.usage.completion_tokens > 20


async def test_an_answer_keeps_to_a_schema_of_ones_own(answering, asking, portrait):
    schema = {"type": "object", "properties": {"smile": {"type": "boolean"}}, "required": ["smile"]}
    form = {"type": "json_schema", "json_schema": {"name": "smiles", "schema": schema}}
    reply = await answering.complete(asking(portrait, response_format=form))
    assert type(json.loads(reply.choices[0].message.content)["smile"]) is bool


async def test_without_a_picture_it_asks_for_one(answering):
    request = ChatRequest.model_validate({"messages": [{"role": "user", "content": "Hello"}]})
    reply = await answering.complete(request)
    chunks = [chunk async for chunk in answering.stream(request)]
    assert "no picture" in reply.choices[0].message.content
    assert chunks[0].choices[0].delta.content == reply.choices[0].message.content
    assert reply.usage.total_tokens == 0


async def test_its_bare_base_is_asked_by_name(answering, asking, portrait):
    reply = await answering.complete(asking(portrait, model="nano:none", facevlm={"prompt": "sov-label"}))
    assert (reply.model, reply.facevlm.provenance.adapter) == ("nano:none", None)
