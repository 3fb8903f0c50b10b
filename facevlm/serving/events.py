"""An answer sent as it is written: server-sent events, as OpenAI's API frames them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from facevlm.serving.access import tell
from facevlm.serving.errors import Gone


class EventStream(Response):
    """Sends the items of a generator, each one event, and then `[DONE]`.

    The first item is had before anything is sent, so that a refused request is answered with its status. A failure
    after that is an event with the error in it. The generator is closed whatever happens.
    """

    media_type = "text/event-stream"

    def __init__(self, first: str, rest: AsyncGenerator[str], deadline: float) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._first = first
        self._rest = rest
        self._deadline = deadline

    @classmethod
    async def begin(cls, items: AsyncGenerator[str], seconds: float) -> EventStream:
        """Wait for the first item. Raises what making it raises, and TimeoutError after `seconds`."""
        deadline = asyncio.get_running_loop().time() + seconds
        async with asyncio.timeout_at(deadline):
            first = await anext(items)
        return cls(first, items, deadline)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            await self._send_items(send)
        except Gone:
            raise
        except Exception as error:
            await send(_event(tell(scope, error).body.model_dump_json()))
        await send(_event("[DONE]"))
        await send({"type": "http.response.body", "body": b""})

    async def _send_items(self, send: Send) -> None:
        async with aclosing(self._rest), asyncio.timeout_at(self._deadline):
            await send(_event(self._first))
            async for item in self._rest:
                await send(_event(item))


def _event(data: str) -> Message:
    return {"type": "http.response.body", "body": f"data: {data}\n\n".encode(), "more_body": True}
