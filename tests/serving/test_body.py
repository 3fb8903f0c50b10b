"""Bodies that are too large, too slow, too deep or no JSON."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from facevlm.completions import ChatRequest
from tests.serving.conftest import Ask
from tests.serving.stub import StubCompleter, question

CHAT = "/v1/chat/completions"
JSON = {"content-type": "application/json"}


async def test_a_body_over_the_cap_is_refused_by_its_declared_length(ask: Ask, completer: StubCompleter) -> None:
    reply = await ask(body_bytes=1000).post(CHAT, content=b" " * 1001, headers=JSON)
    assert reply.status_code == 413
    assert reply.json()["error"]["code"] == "body_too_large"
    assert not completer.steps


async def test_a_body_without_a_length_is_read_to_the_cap_and_no_further(ask: Ask) -> None:
    sent = []

    async def endless() -> AsyncIterator[bytes]:
        while len(sent) < 100:
            sent.append(1)
            yield b" " * 100

    reply = await ask(body_bytes=1000).post(CHAT, content=endless(), headers=JSON)
    assert reply.status_code == 413
    assert len(sent) < 15


async def test_a_body_that_does_not_come_is_given_up(ask: Ask) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(5)
        yield b"}"

    reply = await ask(body_seconds=0.05).post(CHAT, content=slow(), headers=JSON)
    assert reply.status_code == 408


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'{"messages": []}',
        b'{"messages": "hello"}',
        b'{"messages": [{"role": "user", "content": "\xff"}]}',
        b'{"messages": [{"role": "user", "content": "\\ud800"}]}',
        b'{"messages": [{"role": "user", "content": [{"type": "video_url"}]}]}',
        b'{"messages": [{"role": "user", "content": "hi"}], "n": 2}',
        b'{"messages": [{"role": "user", "content": "hi"}], "temperature": NaN}',
        b'{"messages": [{"role": "user", "content": "hi"}], "seed": 1.5}',
        b'{"messages": [{"role": "user", "content": "hi"}], "seed": 1e999}',
        b'{"messages": [{"role": "user", "content": "hi"}], "max_tokens": true}',
        b'{"messages": [{"role": "user", "content": "hi"}], "seed": 1' + b"0" * 5000 + b"}",
        b"[" * 100_000,
        b'{"messages": [{"role": "user", "content": "hi"}], "x": ' + b"[" * 1000 + b"]" * 1000 + b"}",
    ],
    ids=lambda content: content[-40:].decode("latin-1"),
)
async def test_a_body_that_is_no_request_is_refused(ask: Ask, completer: StubCompleter, content: bytes) -> None:
    reply = await ask().post(CHAT, content=content, headers=JSON)
    assert reply.status_code == 400
    assert reply.json()["error"]["type"] == "invalid_request_error"
    assert not completer.steps


async def test_a_whole_number_may_be_written_with_a_point(ask: Ask) -> None:
    whole = {"n": 1.0, "seed": 7.0, "max_tokens": 10.0, "max_completion_tokens": 10.0}
    assert (await ask().post(CHAT, json=question() | whole)).status_code == 200


@pytest.mark.parametrize("value", [b"{},", b"[],", b"0,"])
async def test_a_body_of_very_many_values_is_refused_before_it_is_parsed(
    ask: Ask, value: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ChatRequest, "model_validate_json", None)
    content = b'{"messages": [' + value * 100_000 + b"0]}"
    reply = await ask().post(CHAT, content=content, headers=JSON)
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "too_many_values")


async def test_what_is_wrong_is_named_and_its_value_is_not_repeated(ask: Ask) -> None:
    reply = await ask().post(CHAT, json=question() | {"temperature": "SECRET"})
    assert reply.json()["error"]["param"] == "temperature"
    assert "SECRET" not in reply.text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": 3}]}]},
         "messages.0.content.0.image_url"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0.content.0.text"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages.0.content"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format.json_schema.name"),
    ],
)  # fmt: skip
async def test_a_field_that_is_wrong_is_named_as_the_request_has_it(
    ask: Ask, body: dict[str, object], field: str
) -> None:
    error = (await ask().post(CHAT, json=question() | body)).json()["error"]
    assert (error["param"], error["message"].partition(":")[0]) == (field, field)


async def test_a_pictures_url_may_stand_by_itself(ask: Ask, completer: StubCompleter) -> None:
    part = {"type": "image_url", "image_url": "data:image/png;base64,AAAA"}
    reply = await ask().post(CHAT, json={"messages": [{"role": "user", "content": [part]}]})
    assert reply.status_code == 200


async def test_a_body_of_another_kind_is_refused(ask: Ask) -> None:
    assert (await ask().post(CHAT, content=b"{}", headers={"content-type": "text/plain"})).status_code == 415
    assert (await ask().post("/v1/analyze", json={})).status_code == 415
