"""What is told piece by piece, from the thread that writes them to the event loop that asked."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future
from typing import TypeVar

Said = TypeVar("Said")
Tell = Callable[[Said], None]


class Unheard(Exception):
    """Raised in the writing thread by a Tell whose listener has gone."""


async def relayed(start: Callable[[Tell[Said]], Future[None]]) -> AsyncGenerator[Said]:
    """What the work that `start` begins tells, as it tells it; never None. Closing it cancels the work.

    Args:
        start: begins the work elsewhere, and hands it the function to tell pieces with.
    """
    loop, pieces, gone = asyncio.get_running_loop(), asyncio.Queue[Said | None](), threading.Event()

    def tell(piece: Said | None) -> None:
        if gone.is_set():
            raise Unheard
        loop.call_soon_threadsafe(pieces.put_nowait, piece)

    def end(_: Future[None]) -> None:
        if not gone.is_set():
            tell(None)

    work = start(tell)
    work.add_done_callback(end)
    try:
        while (piece := await pieces.get()) is not None:
            yield piece
        work.result()
    finally:
        gone.set()
        work.cancel()
