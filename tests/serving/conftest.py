"""The gateway over a completer that needs no model, and clients of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import httpx
import pytest

from facevlm.completions import Completer
from facevlm.serving import ServeSettings, create_app
from tests.serving.stub import StubCompleter

Ask = Callable[..., httpx.AsyncClient]


@pytest.fixture
def completer() -> StubCompleter:
    return StubCompleter()


@pytest.fixture
async def ask(completer: StubCompleter) -> AsyncIterator[Ask]:
    """`ask(**settings)` is a client of a gateway in this process; `over` is another completer."""
    async with AsyncExitStack() as clients:

        def client(over: Completer = completer, **settings: object) -> httpx.AsyncClient:
            app = create_app(over, ServeSettings(**settings))  # type: ignore[arg-type]
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            made = httpx.AsyncClient(transport=transport, base_url="http://localhost")
            clients.push_async_callback(made.aclose)
            return made

        yield client
