"""One model, many callers: what is asked at the same time is answered in one batch.

There is no clock: while the model answers one batch, the next one gathers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from functools import partial
from typing import Literal, NamedTuple

from facevlm.errors import FaceVLMError
from facevlm.models.protocol import GREEDY, Answer, Piece, Sampling, ServedModel
from facevlm.types import Conversation

FACES = 32  # conversations answered together, at most


class _Waiting(NamedTuple):
    conversation: Conversation
    sampling: Sampling
    answer: asyncio.Future[Answer]

    def joins(self, other: _Waiting) -> bool:
        """Whether both can be written in one batch: it is bound to schemas as a whole, and sampled in one way."""
        bound = (self.conversation.answer_schema is None) == (other.conversation.answer_schema is None)
        return bound and self.sampling == other.sampling


class GatheringModel:
    """A model whose concurrent `answers` join in batches. Use it from one event loop.

    Only greedy answers are gathered: sampled ones depend on what else is in their batch, and go by themselves; streamed
    ones do too, as who listens to an answer wants it now. Where a whole batch fails each conversation is asked again
    alone, so that one does not spoil the others. A batch that all its callers have left is stopped.
    """

    def __init__(self, model: ServedModel, faces: int = FACES) -> None:
        self._model = model
        self._faces = faces
        self._waiting: list[_Waiting] = []
        self._work: asyncio.Task[None] | None = None
        self.name = model.name
        self.adapter = model.adapter
        self.asks: Literal["scene", "face"] = model.asks
        self.crop_size = model.crop_size

    def generate(
        self, conversations: Sequence[Conversation], *, temperature: float = 0.0, seed: int | None = None
    ) -> list[Answer]:
        """The model's own."""
        return self._model.generate(conversations, temperature=temperature, seed=seed)

    async def agenerate(
        self, conversations: Sequence[Conversation], *, temperature: float = 0.0, seed: int | None = None
    ) -> list[Answer]:
        """As `answers`."""
        return await self.answers(conversations, Sampling(temperature, seed=seed))

    async def answers(self, conversations: Sequence[Conversation], sampling: Sampling = GREEDY) -> list[Answer]:
        """One answer per conversation, in order; written together with those that others are waiting for."""
        if sampling.temperature > 0:
            return await self._model.answers(conversations, sampling)
        loop = asyncio.get_running_loop()
        own = [_Waiting(each, sampling, loop.create_future()) for each in conversations]
        self._waiting += own
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._answer())
        return await asyncio.gather(*(each.answer for each in own))

    def pieces(self, conversations: Sequence[Conversation], sampling: Sampling = GREEDY) -> AsyncGenerator[Piece]:
        """The model's own."""
        return self._model.pieces(conversations, sampling)

    async def _answer(self) -> None:
        while batch := self._next():
            writing = asyncio.create_task(self._written([each.conversation for each in batch], batch[0].sampling))
            for each in batch:
                each.answer.add_done_callback(partial(_stop_unheard, batch, writing))
            await asyncio.wait([writing])
            if not writing.cancelled():
                _hand_out(batch, writing)

    async def _written(self, batch: list[Conversation], sampling: Sampling) -> list[Answer]:
        answers = await self._model.answers(batch, sampling)
        if len(batch) > 1 and all(isinstance(answer, FaceVLMError) for answer in answers):
            return [(await self._model.answers([each], sampling))[0] for each in batch]
        return answers

    def _next(self) -> list[_Waiting]:
        """Those that wait longest, of a kind, and no longer waiting."""
        asked = [each for each in self._waiting if not each.answer.done()]
        batch = [each for each in asked if each.joins(asked[0])][: self._faces]
        self._waiting = [each for each in asked if not any(each is taken for taken in batch)]
        return batch


def _stop_unheard(batch: list[_Waiting], writing: asyncio.Task[list[Answer]], _: asyncio.Future[Answer]) -> None:
    if all(each.answer.done() for each in batch):
        writing.cancel()


def _hand_out(batch: list[_Waiting], writing: asyncio.Task[list[Answer]]) -> None:
    """Give each caller that still waits its answer, or what the whole batch failed of."""
    error = writing.exception()
    for place, each in enumerate(batch):
        if each.answer.done():
            continue
        if error is not None:
            each.answer.set_exception(error)
        else:
            each.answer.set_result(writing.result()[place])
