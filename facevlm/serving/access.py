"""One JSON line a request, and its id. No word of the prompt and no byte of a picture is ever logged."""

from __future__ import annotations

import json
import logging
import re
import time
import traceback
import uuid
from dataclasses import dataclass, field
from typing import cast

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facevlm.errors import quoted
from facevlm.serving.errors import GONE, Refusal, refusal
from facevlm.serving.metrics import Metrics

LOGGER = logging.getLogger("facevlm.access")
LOGGER_OF_FAILURES = logging.getLogger("facevlm.serving")
_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_ROUTES = frozenset(
    ("/v1/models", "/v1/chat/completions", "/v1/analyze", "/healthz", "/readyz", "/metrics", "/openapi.json")
)
_KEY = "facevlm.record"
_LONGEST_MODEL = 80


@dataclass
class Record:
    """What is known of one request; the parts that answer it fill it in."""

    id: str
    route: str
    status: int = GONE
    model: str | None = None
    images: int = 0
    faces: int = 0
    bytes: int = 0
    reason: str | None = None  # the code of the error it was refused with
    began: float = field(default_factory=time.monotonic)

    def line(self) -> str:
        return json.dumps(
            {
                "id": self.id,
                "route": self.route,
                "model": self.model and quoted(self.model, _LONGEST_MODEL),
                "status": self.status,
                "milliseconds": round(1000 * (time.monotonic() - self.began), 1),
                "images": self.images,
                "faces": self.faces,
                "bytes": self.bytes,
                "reason": self.reason,
            }
        )


def record(scope: Scope) -> Record:
    """The record of the request a scope belongs to."""
    return cast(Record, scope[_KEY])


def tell(scope: Scope, error: Exception) -> Refusal:
    """How the client is told of a failure; it is noted, and said to whoever runs the server where that is at fault.

    A Refusal is no failure but an answer, such as that of `/readyz` while the model is started again.
    """
    this = record(scope)
    told = refusal(error)
    this.reason = told.code
    if told.status >= 500 and told is not error:
        LOGGER_OF_FAILURES.error("%s %s at %s", this.id, type(error).__name__, _place(error))
    return told


class Access:
    """Outermost of all: gives each request its id and its line in the log, and counts it."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        this = Record(_identify(Headers(scope=scope)), _route(scope["path"]))
        scope[_KEY] = this

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                this.status = message["status"]
                own = [(b"x-request-id", this.id.encode()), (b"cache-control", b"no-store")]
                message = {**message, "headers": [*message["headers"], *own]}
            await send(message)

        try:
            await self._app(scope, receive, answer)
        finally:
            LOGGER.info(this.line())
            self._metrics.count(this.route, this.status, this.faces, this.reason)


def _place(error: Exception) -> str:
    """Where an error was raised; its text could hold what a user wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"


def _identify(headers: Headers) -> str:
    """The id the client gave, where it is safe to write into a log, or a new one."""
    given = headers.get("x-request-id", "")
    return given if _ID.fullmatch(given) else f"req-{uuid.uuid4().hex}"


def _route(path: str) -> str:
    """The route a path belongs to; all others are one, so that nobody can fill the memory with names."""
    if path.startswith("/v1/models/"):
        return "/v1/models/{model}"
    return path if path in _ROUTES else "other"
