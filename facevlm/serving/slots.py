"""A bounded queue: so many requests at work, so many waiting, and no more."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from facevlm.serving.errors import Refusal

_LONGEST_WAIT = 60  # seconds a client is told to stay away at most
_MEMORY = 0.9  # weight of what was known of the length of a piece of work against the newest


class Slots:
    """First come, first served. `waited` is told the seconds each request stood in the queue."""

    def __init__(self, concurrency: int, queue: int, waited: Callable[[float], object] = lambda seconds: None) -> None:
        self._turn = asyncio.Semaphore(concurrency)
        self._concurrency = concurrency
        self._places = concurrency + queue
        self._waited = waited
        self._seconds = 1.0  # of a piece of work, as remembered
        self.inside = 0
        self.working = 0

    @property
    def waiting(self) -> int:
        """Requests that are read or wait for their turn."""
        return self.inside - self.working

    @contextmanager
    def place(self) -> Iterator[None]:
        """Room for one request from before its body is read until its answer is sent.

        Raises:
            Refusal: 429 with `Retry-After`, there is none.
        """
        if self.inside >= self._places:
            raise Refusal(
                429,
                "queue_full",
                "too many requests wait already; try again after the seconds that Retry-After gives",
                headers={"Retry-After": str(self._retry_after())},
            )
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait to be among those at work, and be so until the block ends."""
        came = time.monotonic()
        async with self._turn:
            began = time.monotonic()
            self._waited(began - came)
            self.working += 1
            try:
                yield
            finally:
                self.working -= 1
                self._seconds = _MEMORY * self._seconds + (1 - _MEMORY) * (time.monotonic() - began)

    def _retry_after(self) -> int:
        """Whole seconds until about half of those who wait have had their turn."""
        seconds = self._seconds * self.waiting / self._concurrency / 2
        return min(max(math.ceil(seconds), 1), _LONGEST_WAIT)
