"""What each route answers."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from tempfile import SpooledTemporaryFile

import httpx
import pytest

from facevlm.errors import InputError, ModelError, OutputError, PrerequisiteError
from facevlm.faces.decode import UNNAMED, decode
from facevlm.serving import ServeSettings, create_app
from facevlm.types import Analysis
from tests.serving.conftest import Ask
from tests.serving.stub import MODELS, StubCompleter, picture, question

CHAT = "/v1/chat/completions"


async def test_a_question_about_a_picture_is_answered_with_words_and_an_analysis(ask: Ask) -> None:
    reply = (await ask().post(CHAT, json=question())).json()
    assert reply["object"] == "chat.completion"
    assert reply["choices"][0]["message"]["content"].startswith("neutral")
    assert reply["facevlm"]["faces"][0]["explanation"]["emotion"] == "neutral"


async def test_a_stream_is_chunks_as_events_and_ends_with_done(ask: Ask) -> None:
    reply = await ask().post(CHAT, json=question(stream=True))
    assert reply.headers["content-type"].startswith("text/event-stream")
    *chunks, done, end = reply.text.split("\n\n")
    texts = [json.loads(chunk.removeprefix("data: ")) for chunk in chunks]
    assert [chunk["choices"][0]["delta"]["content"] for chunk in texts] == ["neutral "] * 3 + [None]
    assert Analysis.model_validate(texts[-1]["facevlm"]).faces[0].id == 1
    assert (done, end) == ("data: [DONE]", "")


async def test_a_request_that_is_refused_before_its_first_chunk_has_a_status_and_no_stream(
    ask: Ask, completer: StubCompleter
) -> None:
    completer.failure = InputError("1×1: too small")
    reply = await ask().post(CHAT, json=question(stream=True))
    assert reply.status_code == 400
    assert reply.json()["error"]["message"] == "1×1: too small"


async def test_a_failure_in_mid_stream_is_an_event(ask: Ask, completer: StubCompleter) -> None:
    completer.late_failure = ModelError("http://10.0.0.7:8001: gone")
    reply = await ask().post(CHAT, json=question(stream=True))
    _, failure, done, _ = reply.text.split("\n\n")
    assert json.loads(failure.removeprefix("data: "))["error"]["code"] == "model_failed"
    assert "10.0.0.7" not in reply.text
    assert done == "data: [DONE]"


async def test_an_upload_is_analysed_with_the_options_of_its_form(ask: Ask, completer: StubCompleter) -> None:
    reply = await ask().post(
        "/v1/analyze", files={"image": picture()}, data={"prompt": "sov-label", "marks": "box", "detail": "low"}
    )
    assert Analysis.model_validate(reply.json()).faces[0].id == 1
    [(data, options)] = completer.uploads
    assert data == picture()
    assert (options.prompt, options.marks, options.detail) == ("sov-label", "box", "low")


@pytest.mark.parametrize(
    ("sent", "name"),
    [("face.jpg", "face.jpg"), ("C:\\\\pictures\\\\face.jpg", "face.jpg"), ("../../etc/x.png", "x.png")],
)
async def test_an_upload_keeps_the_name_of_its_file(ask: Ask, completer: StubCompleter, sent: str, name: str) -> None:
    await ask().post("/v1/analyze", files={"image": (sent, picture())})
    [(data, _)] = completer.uploads
    assert decode(data).source == name


async def test_an_upload_without_a_name_is_the_picture(ask: Ask, completer: StubCompleter) -> None:
    await ask().post("/v1/analyze", files={"image": ("a/", picture())})
    [(data, _)] = completer.uploads
    assert decode(data).source == UNNAMED


async def test_an_upload_is_never_written_to_a_file(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def rollover(_: object) -> None:
        raise AssertionError("the picture was written to a file")

    monkeypatch.setattr(SpooledTemporaryFile, "rollover", rollover)
    reply = await ask().post("/v1/analyze", files={"image": bytes(3 << 20)})
    assert reply.status_code == 200


@pytest.mark.parametrize(
    ("files", "data", "param"),
    [
        ({"other": b"x"}, {}, "image"),
        ({}, {"image": "words"}, None),
        ({"image": b"x"}, {"marks": "glitter"}, "marks"),
        ({"image": b"x"}, {"unknown": "1"}, "unknown"),
    ],
)
async def test_a_form_that_is_wrong_is_told_which_field(
    ask: Ask, files: dict[str, bytes], data: dict[str, str], param: str | None
) -> None:
    reply = await ask().post("/v1/analyze", files=files, data=data)
    assert reply.status_code in (400, 415)
    assert reply.json()["error"]["param"] == param


async def test_models_are_listed_and_told_of_one_by_one(ask: Ask) -> None:
    client = ask()
    rows = (await client.get("/v1/models")).json()
    assert [row["id"] for row in rows["data"]] == list(MODELS)
    for name in MODELS:
        assert (await client.get(f"/v1/models/{name}")).json()["id"] == name
    assert (await client.get("/v1/models/gpt-4")).json()["error"]["code"] == "model_not_found"


async def test_a_model_that_is_not_served_is_not_found(ask: Ask) -> None:
    reply = await ask().post(CHAT, json=question() | {"model": "gpt-4"})
    assert reply.status_code == 404
    assert reply.json()["error"] == {
        "message": f"gpt-4: no such model here; use {', '.join(MODELS)}",
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_found",
    }


@pytest.mark.parametrize(
    ("failure", "status", "told"),
    [
        (InputError("the picture is broken"), 400, "the picture is broken"),
        (PrerequisiteError("/models/nano is not there"), 503, "not ready"),
        (ModelError("http://10.0.0.7: refused"), 502, "usable answer"),
        (OutputError("{'secret"), 502, "usable answer"),
        (RuntimeError("secret"), 500, "x-request-id"),
    ],
)
async def test_a_failure_has_its_status_and_tells_nothing_of_the_inside(
    ask: Ask, completer: StubCompleter, failure: Exception, status: int, told: str
) -> None:
    completer.failure = failure
    reply = await ask().post(CHAT, json=question())
    assert reply.status_code == status
    assert told in reply.json()["error"]["message"]
    assert not any(word in reply.text for word in ("secret", "10.0.0.7", "/models/"))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/docs", 404),
        ("POST", "/v1/completions", 404),
        ("POST", "/tokenize", 404),
        ("GET", "/v1/chat/completions/", 404),
        ("GET", "/v1/chat/completions", 405),
        ("DELETE", "/v1/models", 405),
    ],
)
async def test_nothing_else_is_reachable(ask: Ask, method: str, path: str, status: int) -> None:
    reply = await ask().request(method, path)
    assert reply.status_code == status
    assert set(reply.json()["error"]) == {"message", "type", "param", "code"}


async def test_clients_are_told_not_to_repeat_what_the_model_refuses(ask: Ask, completer: StubCompleter) -> None:
    completer.failure = ModelError("http://10.0.0.7: the key was refused", retry=False)
    refused = await ask().post(CHAT, json=question())
    assert (refused.status_code, refused.headers["x-should-retry"]) == (502, "false")
    completer.failure = ModelError("http://10.0.0.7: no connection")
    assert "x-should-retry" not in (await ask().post(CHAT, json=question())).headers


async def test_what_the_completer_waits_for_decides_whether_the_gateway_is_ready(
    completer: StubCompleter, caplog: pytest.LogCaptureFixture
) -> None:
    ready = [False]
    app = create_app(completer, ServeSettings(), ready=lambda: ready[0])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        assert (await client.get("/readyz")).status_code == 503
        for stream in (False, True):
            refused = await client.post(CHAT, json=question(stream=stream))
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        ready[0] = True
        assert (await client.get("/readyz")).status_code == 200
    assert not [row for row in caplog.records if row.levelno >= logging.WARNING]


async def test_a_model_that_cannot_be_loaded_is_told_to_whoever_runs_the_server(
    ask: Ask, completer: StubCompleter, caplog: pytest.LogCaptureFixture
) -> None:
    completer.failure = PrerequisiteError("/models/nano is not there")
    assert (await ask().post(CHAT, json=question())).status_code == 503
    assert "PrerequisiteError at " in caplog.text


def test_no_module_of_the_gateway_writes_files() -> None:
    import facevlm.serving as serving

    sources = Path(serving.__file__).parent
    written = [path.name for path in sources.glob("**/*.py") if "vllm" not in path.name and "open(" in path.read_text()]
    assert not written
