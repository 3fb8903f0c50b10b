"""The client and the stub that the gateway is measured with."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from closed_loop import ANSWER, Run, closed_loop, stub


def test_every_body_is_posted_once() -> None:
    bodies = [json.dumps({"number": number}).encode() for number in range(20)]
    with stub() as model:
        run = asyncio.run(closed_loop(f"{model.url}/chat/completions", bodies, in_flight=4))
    assert sorted(model.bodies) == sorted(bodies)
    assert run.statuses == {200: 20}
    assert run.rate == pytest.approx(20 / run.seconds)


def test_so_many_requests_are_in_flight_and_no_more() -> None:
    with stub(delay=0.2) as model:
        started = time.perf_counter()
        asyncio.run(closed_loop(f"{model.url}/chat/completions", [b"{}"] * 8, in_flight=4))
    assert time.perf_counter() - started >= 0.4  # two rounds of four; one of eight would take half of it
    assert len(model.bodies) == 8


def test_a_body_that_is_told_429_is_posted_again_until_it_is_accepted() -> None:
    statuses = iter((429, 200, 429, 429, 200))
    with replying(lambda: next(statuses)) as url:
        run = asyncio.run(closed_loop(url, [b"{}"] * 2, in_flight=1, pause=0.01))
    assert run.statuses == {200: 2, 429: 3}


def test_a_connection_that_the_server_closes_is_opened_again() -> None:
    with replying(lambda: 200, "Connection: close\r\n") as url:
        assert asyncio.run(closed_loop(url, [b"{}"] * 3, in_flight=1)).statuses == {200: 3}


def test_percentiles_are_those_of_accepted_requests() -> None:
    run = Run(latencies=[float(number) for number in range(100, 0, -1)])
    assert (run.percentile(0), run.percentile(50), run.percentile(99), run.percentile(100)) == (1, 51, 100, 100)


@contextmanager
def replying(status: Callable[[], int], more: str = "") -> Iterator[str]:
    """The URL of a server that gives these statuses in turn."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.wfile.write(f"HTTP/1.1 {status()} Said\r\nContent-Length: 0\r\n{more}\r\n".encode())
            self.close_connection = bool(more)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


def test_the_stub_is_a_server_of_the_embedded_model() -> None:
    from facevlm import FaceReasoner
    from facevlm.config import demo_picture

    with stub() as model:
        face = FaceReasoner("nano-base", "nano-facs", base_url=model.url).analyze(demo_picture()).faces[0]
    assert face.explanation is not None
    assert face.explanation.emotion == json.loads(ANSWER)["emotion"]
