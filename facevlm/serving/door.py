"""The door of the gateway: who may come in, how many at once, with how much, and what happens when they leave.

All of it before a route sees the request. It knows nothing of faces.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facevlm.serving import body
from facevlm.serving.access import record, tell
from facevlm.serving.errors import GONE, Gone
from facevlm.serving.keys import check_host, check_key
from facevlm.serving.settings import ServeSettings
from facevlm.serving.slots import Slots

_OPEN = frozenset(("/healthz", "/readyz"))
_WORK = frozenset(("/v1/chat/completions", "/v1/analyze"))


class Door:
    """ASGI middleware. Requests for work come in by a place in the queue, with their body read; others as they are."""

    def __init__(self, app: ASGIApp, settings: ServeSettings, slots: Slots) -> None:
        self._app = app
        self._settings = settings
        self._slots = slots

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        try:
            self._check(scope)
            if scope["method"] == "POST" and scope["path"] in _WORK:
                await self._work(scope, receive, send)
            else:
                await self._app(scope, receive, send)
        except Gone:
            record(scope).status, record(scope).reason = GONE, "client_gone"
        except Exception as error:
            await tell(scope, error).response(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        if not self._settings.api_keys:
            check_host(headers)
        elif scope["path"] not in _OPEN:
            check_key(headers, self._settings.api_keys)

    async def _work(self, scope: Scope, receive: Receive, send: Send) -> None:
        limits = self._settings
        with self._slots.place():
            sent = await body.read(Headers(scope=scope), receive, limits.body_bytes, limits.body_seconds)
            record(scope).bytes = len(sent)
            await _Attended(receive, send, limits.send_seconds).run(self._app, scope, sent)


class _Attended:
    """One request, given up as soon as its client leaves or no longer reads."""

    def __init__(self, receive: Receive, send: Send, send_seconds: float) -> None:
        self._receive = receive
        self._send = send
        self._send_seconds = send_seconds
        self._answered = False

    async def run(self, app: ASGIApp, scope: Scope, sent: bytes) -> None:
        """Raises Gone when the client left; the work is cancelled by then."""
        work = asyncio.ensure_future(app(scope, _replay(sent), self._answer))
        leaving = asyncio.ensure_future(self._receive())  # the body is read, so what comes next is the disconnection
        try:
            await asyncio.wait((work, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not work.done() and not self._answered:
                await _cancel(work)
                raise Gone
            await work
        finally:
            leaving.cancel()
            await _cancel(work)

    async def _answer(self, message: Message) -> None:
        try:
            async with asyncio.timeout(self._send_seconds):
                await self._send(message)
        except (TimeoutError, OSError):
            raise Gone from None
        self._answered = message["type"] == "http.response.body" and not message.get("more_body", False)


def _replay(sent: bytes) -> Receive:
    """A body already read, for the app to receive."""

    async def receive() -> Message:
        return {"type": "http.request", "body": sent, "more_body": False}

    return receive


async def _cancel(work: asyncio.Future[None]) -> None:
    work.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await work
