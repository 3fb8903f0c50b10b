"""Any OpenAI-compatible endpoint, by URL: OpenAI itself, vLLM, llama.cpp, Ollama, a gateway.

All requests run on one event loop in a thread of its own. So the sync and the async call share one connection pool and
one limit on requests in flight, and the sync call works inside a running loop too.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import Awaitable, Coroutine, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import HttpUrl, TypeAdapter, ValidationError

from facevlm.errors import InputError, ModelError, PrerequisiteError, quoted
from facevlm.models.protocol import Answer
from facevlm.models.wire import OPTIONAL, Listing, generation_of, read, request_of, without
from facevlm.types import Conversation

if TYPE_CHECKING:
    import openai

Result = TypeVar("Result")

KEY_VARIABLE = "OPENAI_API_KEY"
IN_FLIGHT = 16


class OpenAIModel:
    """A model behind an OpenAI-compatible endpoint.

    Args:
        name: the endpoint's id of the model.
        base_url: e.g. `http://localhost:8001/v1`.
        adapter: the endpoint's id of a LoRA adapter of that model; vLLM serves it under this id.
        api_key_env: the variable that holds the key. It must be set unless it is the default one.
        timeout: seconds one answer may take, retries included.
        retries: further attempts, with exponential back-off, after 408, 409, 429, 5xx or a lost connection.
        asks: whether the model is shown the whole marked picture or marked crops.
        crop_size: side of those crops in pixels.

    Raises:
        InputError: `base_url` is not an http(s) URL.
        PrerequisiteError: the variable named for the key is not set.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        adapter: str | None = None,
        api_key_env: str = KEY_VARIABLE,
        timeout: float = 120.0,
        retries: int = 3,
        asks: Literal["scene", "face"] = "scene",
        crop_size: int = 512,
    ) -> None:
        self.name = name
        self.adapter = adapter
        self.asks = asks
        self.crop_size = crop_size
        self._url = base_url
        self._timeout = timeout
        self._client = _client(base_url, api_key_env, retries)
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._refused: frozenset[str] = frozenset()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=_run, args=(self._loop,), name=f"endpoint {base_url}", daemon=True).start()
        weakref.finalize(self, self._loop.call_soon_threadsafe, self._loop.stop)

    def generate(
        self, conversations: Sequence[Conversation], *, temperature: float = 0.0, seed: int | None = None
    ) -> list[Answer]:
        """One answer per conversation, in order; a request that failed gives a ModelError in its place."""
        future = self._submit(self._answers(conversations, temperature, seed))
        try:
            return future.result()
        finally:
            future.cancel()  # of use when the wait was interrupted

    async def agenerate(
        self, conversations: Sequence[Conversation], *, temperature: float = 0.0, seed: int | None = None
    ) -> list[Answer]:
        """`generate`, without blocking the caller's event loop."""
        return await asyncio.wrap_future(self._submit(self._answers(conversations, temperature, seed)))

    def served(self) -> tuple[str, ...]:
        """The ids of the models the endpoint offers. Raises ModelError where it does not say."""
        return self._submit(self._served()).result()

    def _submit(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _answers(
        self, conversations: Sequence[Conversation], temperature: float, seed: int | None
    ) -> list[Answer]:
        return await asyncio.gather(*(self._answer(asked, temperature, seed) for asked in conversations))

    async def _answer(self, conversation: Conversation, temperature: float, seed: int | None) -> Answer:
        try:
            async with self._slots:
                request = request_of(conversation, self.adapter or self.name, temperature, seed)
                return generation_of(await self._within_time(self._create(request)), self._url)
        except ModelError as error:
            return error

    async def _served(self) -> tuple[str, ...]:
        reply = await self._within_time(self._client.models.with_raw_response.list())
        listed = read(Listing, reply.http_response.text, self._url)
        return tuple(model.id for model in listed.data)

    async def _within_time(self, work: Awaitable[Result]) -> Result:
        """A request's result. Raises ModelError where the endpoint refused, failed or was too slow."""
        import openai

        try:
            async with asyncio.timeout(self._timeout):
                return await work
        except (TimeoutError, openai.APITimeoutError):
            raise ModelError(
                f"{self._url}: no answer within {self._timeout:g} s; raise FACEVLM_TIMEOUT or use a faster model"
            ) from None
        except openai.APIConnectionError as error:
            cause = quoted(str(error.__cause__))
            raise ModelError(f"{self._url}: no connection ({cause}); start the server or correct --base-url") from None
        except openai.APIStatusError as error:
            raise ModelError(f"{self._url}: {self._refusal(error)}") from None

    async def _create(self, request: dict[str, Any]) -> str:
        """The body of the reply; asked again without those options that the endpoint refuses."""
        import openai

        refused = self._refused
        while True:
            try:
                reply = await self._client.chat.completions.with_raw_response.create(**without(refused, request))
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                named = frozenset(option for option in OPTIONAL if option in str(error)) or {"logprobs"}
                if named <= refused:
                    raise
                refused |= named
            else:
                self._refused = refused
                body: str = reply.http_response.text
                return body

    def _refusal(self, error: openai.APIStatusError) -> str:
        """What an error status means, in the server's words, and what to do."""
        said = quoted(error.message)
        match error.status_code:
            case 401 | 403:
                return f"the key was refused ({said}); put a valid one into the variable that --api-key-env names"
            case 404:
                asked = self.adapter or self.name
                return f"model {asked!r} or this URL was not found ({said}); {self._url}/models lists what it serves"
            case 429:
                return f"too many requests ({said}); wait, or raise the endpoint's limits"
            case status if status >= 500:
                return f"the server failed ({said}); see its log, then try again"
        return f"the request was refused ({said}); choose a vision-language model that follows a JSON schema"


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


def _client(base_url: str, api_key_env: str, retries: int) -> openai.AsyncOpenAI:
    import openai

    try:
        TypeAdapter(HttpUrl).validate_python(base_url)
    except ValidationError:
        raise InputError(f"{base_url}: not an endpoint's URL; give one such as http://localhost:8001/v1") from None
    key = os.environ.get(api_key_env)
    if not key and api_key_env != KEY_VARIABLE:
        raise PrerequisiteError(f"{api_key_env}: the variable that names the endpoint's key is not set; export it")
    return openai.AsyncOpenAI(
        api_key=key or "none",  # servers on one's own machine rarely want one
        base_url=base_url,
        max_retries=retries,
        timeout=openai.Timeout(None, connect=5.0),  # the whole answer is timed, not each attempt
    )
