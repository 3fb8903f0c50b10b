"""Ids, log lines and figures of requests."""

from __future__ import annotations

import json
import logging

import httpx
import pytest

from facevlm.serving import Metrics, ServeSettings, create_app
from tests.serving.conftest import Ask
from tests.serving.stub import StubCompleter, question

CHAT = "/v1/chat/completions"


async def test_a_request_keeps_the_id_it_came_with(ask: Ask) -> None:
    reply = await ask().get("/v1/models", headers={"x-request-id": "trace.7_a-B"})
    assert reply.headers["x-request-id"] == "trace.7_a-B"


@pytest.mark.parametrize("given", ["", "a" * 129, "two words", 'x","status":200', "ü".encode()])
async def test_an_id_that_could_forge_a_log_is_replaced(ask: Ask, given: str | bytes) -> None:
    reply = await ask().get(
        "/v1/models", headers={b"x-request-id": given if isinstance(given, bytes) else given.encode()}
    )
    assert reply.headers["x-request-id"].startswith("req-")


async def test_failures_have_an_id_too(ask: Ask, completer: StubCompleter) -> None:
    completer.failure = RuntimeError("broken")
    reply = await ask().post(CHAT, json=question())
    assert reply.status_code == 500
    assert reply.headers["x-request-id"].startswith("req-")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_line_says_what_was_done_and_no_word_of_what_was_asked(
    ask: Ask, caplog: pytest.LogCaptureFixture, stream: bool
) -> None:
    body = question(stream=stream)
    with caplog.at_level(logging.INFO):
        await ask().post(CHAT, json=body, headers={"x-request-id": "one"})
    line = json.loads(next(row.message for row in caplog.records if row.name == "facevlm.access"))
    assert line.pop("milliseconds") >= 0
    assert line.pop("bytes") > 100
    assert line == {
        "id": "one",
        "route": CHAT,
        "model": "facevlm",
        "status": 200,
        "images": 1,
        "faces": 1,
        "reason": None,
    }
    assert "What does" not in caplog.text
    assert "base64" not in caplog.text


async def test_a_failure_is_logged_by_its_place_and_not_its_text(
    ask: Ask, completer: StubCompleter, caplog: pytest.LogCaptureFixture
) -> None:
    completer.failure = RuntimeError("what the user wrote")
    await ask().post(CHAT, json=question())
    assert "RuntimeError at " in caplog.text
    assert "what the user wrote" not in caplog.text


async def test_prometheus_is_told_of_requests_faces_stages_and_refusals(completer: StubCompleter) -> None:
    metrics = Metrics()
    app = create_app(completer, ServeSettings(), metrics)
    metrics.watch("find", 0.02)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        await client.post(CHAT, json=question())
        await client.post(CHAT, json={})
        await client.get("/v1/models/nano")
        await client.get("/no/such/path")
        text = (await client.get("/metrics")).text
    for line in (
        'facevlm_requests_total{route="/v1/chat/completions",status="200"} 1.0',
        'facevlm_requests_total{route="/v1/chat/completions",status="400"} 1.0',
        'facevlm_requests_total{route="/v1/models/{model}",status="200"} 1.0',
        'facevlm_requests_total{route="other",status="404"} 1.0',
        'facevlm_stage_seconds_count{stage="find"} 1.0',
        'facevlm_stage_seconds_count{stage="wait"} 1.0',
        "facevlm_faces_total 1.0",
        'facevlm_refusals_total{reason="invalid_body"} 1.0',
        "facevlm_requests_in_flight 0.0",
        "facevlm_requests_waiting 0.0",
    ):
        assert line in text


async def test_two_gateways_of_one_process_count_apart(ask: Ask) -> None:
    first, second = ask(), ask()
    await first.get("/healthz")
    assert '{route="/healthz"' not in (await second.get("/metrics")).text
