"""Over an endpoint that writes a token each 50 ms."""

from __future__ import annotations

import asyncio
import time

import pytest

from facevlm.completions import ChatRequest, Completer, Served
from facevlm.errors import ModelError
from tests.completions.conftest import Upstream


async def over(upstream: Upstream) -> Completer:
    return Completer(await asyncio.to_thread(Served.upstream, upstream.url))


async def test_the_first_words_come_before_the_last_token(upstream, asking, portrait):
    upstream.pause = 0.05
    heard = []
    async for chunk in (await over(upstream)).stream(asking(portrait)):
        if chunk.choices and chunk.choices[0].delta.content:
            heard.append((time.monotonic(), chunk.choices[0].delta.content))
    assert heard[0][0] < upstream.sent[-1] - 0.5
    assert len(heard) > 10
    claim = next(when for when, text in heard if "AU12" in text)
    assert claim < upstream.sent[-5]
    assert "".join(text for _, text in heard).count("## Face 1") == 1


async def test_closing_a_stream_closes_the_connection(upstream, asking, portrait):
    upstream.pause = 0.05
    chunks = (await over(upstream)).stream(asking(portrait))
    await anext(chunks)
    await chunks.aclose()
    assert await asyncio.to_thread(upstream.left.wait, 10)


async def test_usage_and_the_analysis_come_at_the_end(upstream, asking, portrait):
    request = asking(portrait, stream_options={"include_usage": True})
    *_, last, usage = [chunk async for chunk in (await over(upstream)).stream(request)]
    assert last.facevlm.faces[0].explanation.emotion == "happiness"
    assert usage.usage.total_tokens == 10


async def test_the_next_turn_sends_the_same_bytes_as_the_last(upstream, asking, portrait):
    answering = await over(upstream)
    first = asking("Who smiles?", portrait)
    later = [*first.messages, {"role": "assistant", "content": "Face 1."}, {"role": "user", "content": "Why?"}]
    await answering.complete(first)
    await answering.complete(ChatRequest(messages=later))
    questions = [request["messages"] for request in upstream.requests if "Who smiles?" in str(request["messages"][1])]
    assert questions[1][: len(questions[0])] == questions[0]


async def test_a_request_without_a_picture_is_passed_on(upstream):
    upstream.text = "Hello."
    body = {"messages": [{"role": "user", "content": "Hi"}], "temperature": 0.5, "stop": ["x"], "chat_template": "no"}
    reply = await (await over(upstream)).complete(ChatRequest.model_validate(body))
    (sent,) = upstream.requests
    assert reply.choices[0].message.content == "Hello."
    assert (reply.model, reply.usage.total_tokens, reply.facevlm) == ("facevlm", 10, None)
    assert sent == {"model": "big", "messages": body["messages"], "temperature": 0.5, "stop": ["x"]}


async def test_a_request_without_a_picture_is_passed_on_as_a_stream(upstream):
    upstream.text = "Hello, you there."
    request = ChatRequest.model_validate({"messages": [{"role": "user", "content": "Hi"}], "stream": True})
    chunks = [chunk async for chunk in (await over(upstream)).stream(request)]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Hello, you there."
    assert {chunk.model for chunk in chunks} == {"facevlm"}
    assert all(chunk.choices for chunk in chunks)


async def test_an_answer_that_breaks_off_is_an_error(upstream, asking, portrait, monkeypatch):
    monkeypatch.setattr(Upstream, "tokens", property(lambda self: 1 / 0))
    with pytest.raises(ModelError, match="broke off"):
        await anext((await over(upstream)).stream(asking(portrait)))
