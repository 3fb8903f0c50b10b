"""The model that ships, asked as a chat completion."""

from __future__ import annotations

from pathlib import Path

import pytest

from facevlm.completions import ChatRequest, Completer, Served
from facevlm.data.cot.parse import parse
from facevlm.errors import InputError
from facevlm.faces.action_units import THRESHOLDS


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


@pytest.mark.parametrize(
    "question", ["Is AU 4 there?", "Is AU 25 there?", "Why does she look angry?", "Is she frowning?"]
)
async def test_an_answer_does_not_contradict_the_measurement(answering, asking, portrait, question):
    reply = await answering.complete(asking(question, portrait))
    answer = parse(reply.choices[0].message.content.partition("## Face 1")[0])
    sides, units = reply.facevlm.faces[0].action_unit_sides, reply.facevlm.faces[0].action_units
    strength = {
        code: max(units[code] or 0, *(each or 0 for each in sides.get(code, {"left": 0}).values())) for code in units
    }
    assert all(strength[code] >= THRESHOLDS[code] for code in answer.named)
    assert all(strength[code] < THRESHOLDS[code] for code in answer.denied)


async def test_a_schema_of_ones_own_is_refused_with_the_remedy(answering, asking, portrait):
    schema = {"type": "object", "properties": {"smile": {"type": "boolean"}}, "required": ["smile"]}
    form = {"type": "json_schema", "json_schema": {"name": "smiles", "schema": schema}}
    with pytest.raises(InputError, match=r"nano writes no schema of yours; use json_object.*with --upstream"):
        await answering.complete(asking(portrait, response_format=form))


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
