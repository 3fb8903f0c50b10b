"""The connection to an OpenAI-compatible endpoint, which all models behind it share.

All requests run on one event loop in a thread of its own. So sync and async callers share one connection pool and one
limit on requests in flight, and sync calls work inside a running loop too.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import HttpUrl, TypeAdapter, ValidationError

from facevlm.errors import InputError, ModelError, PrerequisiteError, quoted
from facevlm.models.wire import DataUrls, Listed, Listing, read, refusals, without

if TYPE_CHECKING:
    import openai

Result = TypeVar("Result")

KEY_VARIABLE = "OPENAI_API_KEY"
IN_FLIGHT = 16
_PASSING = (408, 409, 429)  # statuses below 500 that the same request may not get the next time


class Endpoint:
    """An OpenAI-compatible endpoint.

    Args:
        url: e.g. `http://localhost:8001/v1`.
        api_key_env: the variable that holds the key. It must be set unless it is the default one.
        timeout: seconds one answer may take, retries included.
        retries: further attempts, with exponential back-off, after 408, 409, 429, 5xx or a lost connection.
        in_flight: requests that may be in flight at once; others wait.

    Raises:
        InputError: `url` is not an http(s) URL.
        PrerequisiteError: the variable named for the key is not set.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key_env: str = KEY_VARIABLE,
        timeout: float = 120.0,
        retries: int = 3,
        in_flight: int = IN_FLIGHT,
    ) -> None:
        self.url = url
        self.data_urls = DataUrls()
        self._timeout = timeout
        self._client = _client(url, api_key_env, retries)
        self._slots = asyncio.Semaphore(in_flight)
        self._refused: frozenset[str] = frozenset()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=_run, args=(self._loop, self._client), name=f"endpoint {url}", daemon=True).start()
        weakref.finalize(self, self._loop.call_soon_threadsafe, self._loop.stop)

    def submit(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        """Work on the endpoint's own loop; cancelling the future cancels its requests."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def listing(self) -> tuple[Listed, ...]:
        """The models and adapters that are served. Raises ModelError where the endpoint does not say."""
        async with self._held_to_time(""):
            reply = await self._client.models.with_raw_response.list()
            return tuple(read(Listing, reply.http_response.content, self.url).data)

    async def complete(self, request: dict[str, Any]) -> bytes:
        """The body of the reply to a chat-completions request. Raises ModelError where there is none."""
        async with self._slots, self._held_to_time(request["model"]):
            return await self._asked(request, self._posted)

    async def stream(self, request: dict[str, Any], hear: Callable[[Any], None]) -> None:
        """Tells each event of a streamed reply, parsed, as it comes. Raises ModelError where there is none."""
        wanted = request | {"stream": True, "stream_options": {"include_usage": True}}
        async with (
            self._slots,
            self._held_to_time(request["model"]),
            await self._asked(wanted, self._opened) as events,
        ):
            async for event in events:
                hear(event)

    async def _posted(self, request: dict[str, Any]) -> bytes:
        return await self._client.post("/chat/completions", body=request, cast_to=bytes)

    async def _opened(self, request: dict[str, Any]) -> openai.AsyncStream[object]:
        import openai

        events = openai.AsyncStream[object]
        return await self._client.post(
            "/chat/completions", body=request, cast_to=object, stream=True, stream_cls=events
        )

    async def _asked(
        self, request: dict[str, Any], ask: Callable[[dict[str, Any]], Coroutine[Any, Any, Result]]
    ) -> Result:
        """A reply; the endpoint is asked again without those options that it refuses."""
        import openai

        refused = self._refused
        while True:
            try:
                reply = await ask(without(refused, request))
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                named = refusals(str(error))
                if named <= refused:
                    raise
                refused |= named
            else:
                self._refused = refused
                return reply

    @asynccontextmanager
    async def _held_to_time(self, model: str) -> AsyncIterator[None]:
        """Turns what goes wrong with a request, being too slow included, into one ModelError."""
        import openai

        try:
            async with asyncio.timeout(self._timeout):
                yield
        except (TimeoutError, openai.APITimeoutError):
            raise ModelError(
                f"{self.url}: no answer within {self._timeout:g} s; raise FACEVLM_TIMEOUT or use a faster model"
            ) from None
        except openai.APIConnectionError as error:
            cause = quoted(str(error.__cause__))
            raise ModelError(f"{self.url}: no connection ({cause}); start the server or correct --base-url") from None
        except openai.APIStatusError as error:
            again = error.status_code in _PASSING or error.status_code >= 500
            raise ModelError(f"{self.url}: {_refusal(error, model, self.url)}", retry=again) from None
        except (openai.APIError, json.JSONDecodeError) as error:  # told, or garbled, in the middle of a stream
            raise ModelError(f"{self.url}: the answer broke off ({quoted(str(error))}); see its log") from None


def _refusal(error: openai.APIStatusError, model: str, url: str) -> str:
    """What an error status means, in the server's words, and what to do."""
    said = quoted(error.message)
    match error.status_code:
        case 401 | 403:
            return f"the key was refused ({said}); put a valid one into the variable that --api-key-env names"
        case 404:
            return f"model {model!r} or this URL was not found ({said}); {url}/models lists what it serves"
        case 429:
            return f"too many requests ({said}); wait, or raise the endpoint's limits"
        case status if status >= 500:
            return f"the server failed ({said}); see its log, then try again"
    return f"the request was refused ({said}); choose a vision-language model that follows a JSON schema"


def _run(loop: asyncio.AbstractEventLoop, client: openai.AsyncOpenAI) -> None:
    """Serves the loop until the endpoint is gone, then closes the connections, which are this loop's alone."""
    try:
        loop.run_forever()
        loop.run_until_complete(client.close())
    finally:
        loop.close()


def _client(url: str, api_key_env: str, retries: int) -> openai.AsyncOpenAI:
    import openai

    try:
        TypeAdapter(HttpUrl).validate_python(url)
    except ValidationError:
        raise InputError(f"{url}: not an endpoint's URL; give one such as http://localhost:8001/v1") from None
    key = os.environ.get(api_key_env)
    if not key and api_key_env != KEY_VARIABLE:
        raise PrerequisiteError(f"{api_key_env}: the variable that names the endpoint's key is not set; export it")
    return openai.AsyncOpenAI(
        api_key=key or "none",  # servers on one's own machine rarely want one
        base_url=url,
        max_retries=retries,
        timeout=openai.Timeout(None, connect=5.0),  # the whole answer is timed, not each attempt
    )
