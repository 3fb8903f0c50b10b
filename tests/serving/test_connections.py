"""Clients on real sockets: those that vanish, that do not read, that send without end, and very many at once."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from evals.closed_loop import closed_loop
from tests.serving.stub import StubCompleter, question, serving

CHAT = "/v1/chat/completions"


def until(condition: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether it became true in that time."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def connect(url: str, receive_buffer: int | None = None) -> socket.socket:
    where = urlsplit(url)
    client = socket.socket()
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.settimeout(10)
    client.connect((where.hostname, where.port))
    return client


def post(client: socket.socket, body: object, *, length: int | None = None) -> None:
    content = json.dumps(body).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    client.sendall(f"{head}Content-Length: {length or len(content)}\r\n\r\n".encode() + content)


@pytest.fixture
def slow() -> StubCompleter:
    return StubCompleter(seconds=60, chunks=1)


@pytest.mark.parametrize("stream", [False, True])
def test_the_work_for_a_client_that_vanished_is_cancelled_and_its_slot_free(slow: StubCompleter, stream: bool) -> None:
    with serving(slow, concurrency=1, queue=0) as url:
        with connect(url) as client:
            post(client, question(stream=stream))
            assert until(lambda: slow.at_work == 1)
        assert until(lambda: slow.cancelled == 1)
        slow.seconds = 0.0
        assert httpx.post(url + CHAT, json=question()).status_code == 200


def test_one_that_vanishes_in_the_queue_leaves_it(slow: StubCompleter) -> None:
    with serving(slow, concurrency=1, queue=1) as url, connect(url) as first:
        post(first, question())
        assert until(lambda: slow.at_work == 1)
        with connect(url) as second:
            post(second, question())
            assert until(lambda: "waiting 1.0" in httpx.get(url + "/metrics").text)
        assert until(lambda: "waiting 0.0" in httpx.get(url + "/metrics").text)
        assert slow.at_work == 1


def test_one_that_vanishes_while_sending_leaves_nothing(slow: StubCompleter) -> None:
    with serving(slow, concurrency=1, queue=0) as url:
        with connect(url) as client:
            post(client, {}, length=1000)
            assert until(lambda: "waiting 1.0" in httpx.get(url + "/metrics").text)
        assert until(lambda: "waiting 0.0" in httpx.get(url + "/metrics").text)


def test_a_client_that_does_not_read_is_given_up() -> None:
    endless = StubCompleter(chunks=10_000, piece="x" * 100_000)
    with serving(endless, concurrency=1, queue=0, send_seconds=0.3) as url, connect(url, 4096) as client:
        post(client, question(stream=True))
        assert until(lambda: endless.steps > 0)
        assert until(lambda: "in_flight 0.0" in httpx.get(url + "/metrics").text)
        assert endless.steps < 1000
        assert 'status="499"' in (text := httpx.get(url + "/metrics").text) or "client_gone" in text


def test_the_first_chunk_is_there_long_before_the_last() -> None:
    with (
        serving(StubCompleter(seconds=1.0, chunks=10)) as url,
        httpx.stream("POST", url + CHAT, json=question(stream=True)) as reply,
    ):
        came = [time.monotonic() for line in reply.iter_lines() if line.startswith("data:")]
    assert came[-1] - came[0] > 0.5


def test_a_hundred_megabytes_are_refused_and_not_held() -> None:
    part = b"x" * 1_000_000
    with serving(StubCompleter()) as url, connect(url) as client:
        httpx.post(url + CHAT, json=question())
        before = _memory()
        post(client, {}, length=100_000_000)
        for _ in range(99):
            client.sendall(part)
            assert _memory() - before < 10_000_000
        reply = client.recv(10_000)
        assert reply.startswith(b"HTTP/1.1 413 ")
        assert json.loads(reply.partition(b"\r\n\r\n")[2])["error"]["code"] == "body_too_large"
        assert httpx.post(url + CHAT, json=question()).status_code == 200


def test_so_are_they_without_a_length() -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(100):
            yield bytes(1_000_000)

    with serving(StubCompleter(), body_bytes=10_000_000) as url:
        reply = httpx.post(url + CHAT, content=parts(), headers={"content-type": "application/json"}, timeout=60)
        assert (reply.status_code, reply.json()["error"]["code"]) == (413, "body_too_large")
        assert httpx.post(url + CHAT, json=question()).status_code == 200


async def test_two_hundred_clients_meet_no_error_but_429() -> None:
    """The figures of 5,000 requests are those of `make bench-serve`; these are enough to see them go wrong."""
    completer = StubCompleter(seconds=0.2)
    body = json.dumps(question()).encode()
    with serving(completer, concurrency=16, queue=64) as url:
        await closed_loop(url + CHAT, [body] * 200, in_flight=200)
        before = _memory()
        result = await closed_loop(url + CHAT, [body] * 400, in_flight=200)
    assert set(result.statuses) == {200, 429}
    assert result.percentile(99) <= 3 * result.percentile(50)
    assert completer.most_at_work == 16
    assert _memory() - before < 20_000_000


def _memory() -> int:
    """Bytes this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
