"""A client that keeps a number of requests in flight, and a model's server that answers after a fixed time.

Both do as little as they can, so that what is measured is the server between them.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

OK, TOO_MANY = 200, 429
ANSWER = json.dumps({"observations": [], "interpretation": "nothing moves: neutral.", "emotion": "neutral"})
MODELS = {"object": "list", "data": [{"id": "nano-base"}, {"id": "nano-facs", "parent": "nano-base"}]}


@dataclass
class Run:
    """What came of one run. `latencies` are the seconds of each request answered with 200."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Requests answered with 200 in a second."""
        return self.statuses[OK] / self.seconds

    def percentile(self, percent: float) -> float:
        """Seconds that so many percent of the requests answered with 200 took at most."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)]


async def closed_loop(url: str, bodies: Sequence[bytes], in_flight: int, pause: float = 0.5) -> Run:
    """Post every body, which is JSON, to a URL: each of `in_flight` connections its next one when it has an answer.

    Replies are read that have a length, not streams.

    Args:
        url: http://HOST:PORT/PATH.
        pause: seconds a connection waits before it posts a body again that was told 429.

    Raises:
        OSError, asyncio.IncompleteReadError: a connection was refused, or broke.
    """
    run, coming = Run(), iter(bodies)
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(min(in_flight, len(bodies))):
            group.create_task(_connection(url, coming, pause, run))
    run.seconds = time.perf_counter() - started
    return run


async def _connection(url: str, bodies: Iterator[bytes], pause: float, run: Run) -> None:
    post = _Poster(url)
    for body in bodies:
        while await _posted(post, body, run) == TOO_MANY:
            await asyncio.sleep(pause)
    post.close()


async def _posted(post: _Poster, body: bytes, run: Run) -> int:
    began = time.perf_counter()
    status = await post(body)
    run.statuses[status] += 1
    if status == OK:
        run.latencies.append(time.perf_counter() - began)
    return status


class _Poster:
    """One connection, opened again where the server has closed it."""

    def __init__(self, url: str) -> None:
        self._where = urlsplit(url)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __call__(self, body: bytes) -> int:
        """The status of the reply to a body."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._where.hostname, self._where.port)
        reader, writer = self._streams
        head = f"POST {self._where.path} HTTP/1.1\r\nHost: {self._where.netloc}\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        status, headers = await _reply(reader)
        if headers.get("connection") == "close":
            self.close()
        return status

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _reply(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    await reader.readexactly(int(headers["content-length"]))
    return int(status.split()[1]), headers


@dataclass
class Stub:
    """A running stub and the bodies it was sent."""

    url: str
    bodies: list[bytes] = field(default_factory=list)


@contextmanager
def stub(delay: float = 0.0) -> Iterator[Stub]:
    """A server of the embedded model, in a thread of its own; after `delay` seconds it says the same of every face."""
    loop, answering = asyncio.new_event_loop(), Stub("")

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                length = next((int(line[15:]) for line in head.split("\r\n") if line.startswith("content-length:")), 0)
                body = await reader.readexactly(length)
                if head.startswith("post"):
                    answering.bodies.append(body)
                    await asyncio.sleep(delay)
                writer.write(_http(_completion() if head.startswith("post") else MODELS))
        writer.close()

    server = loop.run_until_complete(asyncio.start_server(connected, "127.0.0.1", 0, limit=1 << 24, backlog=1024))
    answering.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield answering
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
            with suppress(asyncio.CancelledError):
                loop.run_until_complete(task)
        loop.close()


def _completion() -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": ANSWER}}
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    reply = {"id": "1", "object": "chat.completion", "created": 1, "model": "nano-facs"}
    return reply | {"choices": [choice], "usage": usage}


def _http(body: dict[str, Any]) -> bytes:
    data = json.dumps(body).encode()
    return f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data
