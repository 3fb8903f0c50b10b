"""Many clients at once, each sending its next request when the last is answered: what a server does under them."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

OK = 200


@dataclass
class Load:
    """What came of it. `latencies` are the seconds of each request answered with 200."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)

    def percentile(self, percent: float) -> float:
        """Seconds that so many percent of the accepted requests took at most."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)]


async def load(
    url: str,
    body: Mapping[str, Any],
    *,
    connections: int,
    requests: int,
    pause: float = 0.5,
    headers: Mapping[str, str] | None = None,
) -> Load:
    """Post `body` to `url` over so many connections until so many requests were accepted.

    The client is as thin as can be, so that its own work does not show in the figures. It reads replies that have a
    length, not streams.

    Args:
        url: http://HOST:PORT/PATH.
        pause: seconds a client stays away after it was told 429.

    Raises:
        OSError, asyncio.IncompleteReadError: a connection was refused, or broke.
    """
    where = urlsplit(url)
    content = json.dumps(body).encode()
    given = {"Host": where.netloc, "Content-Type": "application/json", "Content-Length": len(content)} | (headers or {})
    lines = [f"POST {where.path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items()), "", ""]
    message = "\r\n".join(lines).encode() + content
    result = Load()
    began = time.perf_counter()
    async with asyncio.TaskGroup() as clients:
        for _ in range(connections):
            clients.create_task(_client(where.hostname or "", where.port or 80, message, requests, pause, result))
    result.seconds = time.perf_counter() - began
    return result


async def _client(host: str, port: int, message: bytes, requests: int, pause: float, result: Load) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    while len(result.latencies) < requests:
        began = time.perf_counter()
        writer.write(message)
        status = await _read_reply(reader)
        result.statuses[status] += 1
        if status == OK:
            result.latencies.append(time.perf_counter() - began)
        else:
            await asyncio.sleep(pause)
    writer.close()


async def _read_reply(reader: asyncio.StreamReader) -> int:
    """The status of the next reply; its body is read and dropped."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(head.partition("content-length:")[2].partition("\r\n")[0])
    await reader.readexactly(length)
    return int(head.split(" ", 2)[1])
