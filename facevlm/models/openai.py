"""Any model of an OpenAI-compatible endpoint: OpenAI itself, vLLM, llama.cpp, Ollama, a gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, Literal

from facevlm.errors import ModelError
from facevlm.models.endpoint import IN_FLIGHT, KEY_VARIABLE, Endpoint
from facevlm.models.protocol import GREEDY, Answer, Piece, Sampling
from facevlm.models.relay import Tell, relayed
from facevlm.models.wire import Heard, generation_of, request_of
from facevlm.types import Conversation

__all__ = ["IN_FLIGHT", "KEY_VARIABLE", "OpenAIModel"]


class OpenAIModel:
    """A model behind an OpenAI-compatible endpoint.

    Args:
        name: the endpoint's id of the model.
        base_url: e.g. `http://localhost:8001/v1`, or an `Endpoint` that several models share.
        adapter: the endpoint's id of a LoRA adapter of that model; vLLM serves it under this id.
        api_key_env, timeout, retries: as `Endpoint` takes them.
        asks: whether the model is shown the whole marked picture or marked crops.
        crop_size: side of those crops in pixels.
        temperature: that its emotions' probabilities were calibrated at.

    Raises:
        InputError: `base_url` is not an http(s) URL.
        PrerequisiteError: the variable named for the key is not set.
    """

    def __init__(
        self,
        name: str,
        base_url: str | Endpoint,
        *,
        adapter: str | None = None,
        api_key_env: str = KEY_VARIABLE,
        timeout: float = 120.0,
        retries: int = 3,
        asks: Literal["scene", "face"] = "scene",
        crop_size: int = 512,
        temperature: float = 1.0,
    ) -> None:
        self.name = name
        self.adapter = adapter
        self.asks = asks
        self.crop_size = crop_size
        self._temperature = temperature
        self.endpoint = (
            base_url
            if isinstance(base_url, Endpoint)
            else Endpoint(base_url, api_key_env=api_key_env, timeout=timeout, retries=retries)
        )

    @property
    def served_as(self) -> str:
        """The id that requests name."""
        return self.adapter or self.name

    def generate(
        self, conversations: Sequence[Conversation], *, temperature: float = 0.0, seed: int | None = None
    ) -> list[Answer]:
        """One answer per conversation, in order; a request that failed gives a ModelError in its place."""
        future = self._answers(conversations, Sampling(temperature, seed=seed))
        try:
            return future.result()
        finally:
            future.cancel()  # of use when the wait was interrupted

    async def agenerate(
        self, conversations: Sequence[Conversation], *, temperature: float = 0.0, seed: int | None = None
    ) -> list[Answer]:
        """`generate`, without blocking the caller's event loop."""
        return await self.answers(conversations, Sampling(temperature, seed=seed))

    async def answers(self, conversations: Sequence[Conversation], sampling: Sampling = GREEDY) -> list[Answer]:
        """As `agenerate`. Cancelling it closes the connections, by which servers know to stop."""
        return await asyncio.wrap_future(self._answers(conversations, sampling))

    def pieces(self, conversations: Sequence[Conversation], sampling: Sampling = GREEDY) -> AsyncGenerator[Piece]:
        """The answers as they are written. Closing it closes the connections, by which servers know to stop."""
        return relayed(partial(self._writing, conversations, sampling))

    def served(self) -> tuple[str, ...]:
        """The ids of the models the endpoint offers. Raises ModelError where it does not say."""
        return tuple(each.id for each in self.endpoint.submit(self.endpoint.listing()).result())

    def _answers(self, conversations: Sequence[Conversation], sampling: Sampling) -> Future[list[Answer]]:
        async def gathered() -> list[Answer]:
            return await asyncio.gather(*(self._answer(asked, sampling) for asked in conversations))

        return self.endpoint.submit(gathered())

    async def _answer(self, conversation: Conversation, sampling: Sampling) -> Answer:
        try:
            body = await self.endpoint.complete(self._request(conversation, sampling))
            return generation_of(body, self.endpoint.url, self.asks, self._temperature)
        except ModelError as error:
            return error

    def _writing(self, conversations: Sequence[Conversation], sampling: Sampling, tell: Tell[Piece]) -> Future[None]:
        async def written() -> None:
            asked = enumerate(conversations)
            await asyncio.gather(*(self._written(index, each, sampling, tell) for index, each in asked))

        return self.endpoint.submit(written())

    async def _written(self, index: int, conversation: Conversation, sampling: Sampling, tell: Tell[Piece]) -> None:
        heard = Heard(self.endpoint.url)

        def hear(event: Any) -> None:
            if text := heard.add(event):
                tell(Piece(index, text))

        answer: Answer
        try:
            await self.endpoint.stream(self._request(conversation, sampling), hear)
            answer = heard.generation(self.asks, self._temperature)
        except ModelError as error:
            answer = error
        tell(Piece(index, answer=answer))

    def _request(self, conversation: Conversation, sampling: Sampling) -> dict[str, Any]:
        return request_of(conversation, self.served_as, sampling, self.endpoint.data_urls)
