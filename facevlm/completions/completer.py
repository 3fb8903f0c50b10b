"""A chat completion about faces, whole or as it is written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from facevlm.completions import passing
from facevlm.completions.composing import Composition
from facevlm.completions.limits import Limits
from facevlm.completions.looking import Gallery
from facevlm.completions.opening import Opener, data_url
from facevlm.completions.reading import Asked, read
from facevlm.completions.reply import (
    ChatCompletion,
    ChatCompletionChunk,
    Choice,
    ChunkChoice,
    DeltaMessage,
    ModelCard,
    ReplyMessage,
    Role,
    Usage,
    head,
)
from facevlm.completions.request import DEFAULT_MODEL, ChatRequest, FaceOptions
from facevlm.completions.served import Served
from facevlm.completions.watching import Watch, silent
from facevlm.models import GREEDY, Answer, Piece, Sampling, ServedModel
from facevlm.reasoning import FaceReasoner
from facevlm.types import Analysis, Conversation

PROMPT, MARKS = "sov-cot", "landmarks"

_LIMITS, _DEFAULT = Limits(), FaceOptions()


class Completer:
    """Answers chat completions about faces. Use it from one event loop.

    The user's words beside a picture, or in a follow-up to it, are answered first; then comes the explanation of every
    face that the answer rests on. `facevlm` of a reply holds the Analysis of the picture, of the last one where the
    message has several; `analyses` then holds all. A stream has them in the chunk with the `finish_reason`. Where
    there is no picture, and none was before, the request is passed on to the server behind.

    Args:
        served: the models.
        open: brings the bytes that an image part's URL names.
        limits: on one request.
        watch: is told how long finding, marking and generating took.
        options: prompt, marks and detail of requests that say nothing of them.

    Every method that answers raises InputError where the request is at fault, NotServed among them, PrerequisiteError
    and ModelError where the model is.
    """

    def __init__(
        self,
        served: Served,
        *,
        open: Opener = data_url,
        limits: Limits = _LIMITS,
        watch: Watch = silent,
        options: FaceOptions = _DEFAULT,
    ) -> None:
        self.served = served
        self.limits = limits
        self._gallery = Gallery(open, limits, watch)
        self._watch = watch
        self._options = options

    def cards(self) -> list[ModelCard]:
        """The models there are, the default first."""
        return [ModelCard(id=name) for name in self.served.names]

    async def complete(self, request: ChatRequest) -> ChatCompletion:
        """The whole reply. Cancelling it stops the model."""
        first, sampling = head(request.model), _sampling(request)
        model, asked = await self.served.model(request.model), read(request, self.limits)
        if asked is None:
            return await passing.complete(model, request, sampling, first)
        made = await self._composed(model, request, asked)
        text = made.reply.go_on() if not made.conversations else ""
        for index, answer in enumerate(await self._answers(model, made.conversations, sampling)):
            text += made.reply.add(Piece(index, answer=answer))
        return ChatCompletion(
            **first.model_dump(),
            **_facts(made),
            usage=Usage(**made.usage()),
            choices=[Choice(message=ReplyMessage(content=text), finish_reason=made.finish_reason)],
        )

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatCompletionChunk]:
        """The reply as the model writes it. Closing it stops the model."""
        first, sampling = head(request.model), _sampling(request)
        model, asked = await self.served.model(request.model), read(request, self.limits)
        if asked is None:
            chunks = passing.stream(model, request, sampling, first)
        else:
            chunks = self._streamed(model, await self._composed(model, request, asked), request, first.model_dump())
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk

    async def analyze(self, data: bytes, options: FaceOptions = _DEFAULT) -> Analysis:
        """The analysis of a picture's file by the default model."""
        began = time.perf_counter()
        model = await self.served.model(DEFAULT_MODEL)
        reasoner = self._reasoner(model, options)
        seen = await self._gallery.of(data, self._marks(options), reasoner.crop_size)
        answers = await self._answers(model, reasoner.ask(seen), GREEDY)
        return reasoner.tell(seen, answers, time.perf_counter() - began)

    async def _composed(self, model: ServedModel, request: ChatRequest, asked: Asked) -> Composition:
        options = request.facevlm or self._options
        reasoner = self._reasoner(model, options)
        looked = (self._gallery.at(url, self._marks(options), reasoner.crop_size) for url in asked.urls)
        return Composition(reasoner, await asyncio.gather(*looked), asked, options.detail)

    async def _streamed(
        self, model: ServedModel, made: Composition, request: ChatRequest, first: dict[str, Any]
    ) -> AsyncGenerator[ChatCompletionChunk]:
        sampling = _sampling(request)
        role: Role = "assistant"
        async with aclosing(self._said(model, made, sampling)) as said:
            async for more in said:
                change = DeltaMessage(role=role, content=more)
                yield ChatCompletionChunk(**first, choices=[ChunkChoice(delta=change)])
                role = None
        last = ChunkChoice(finish_reason=made.finish_reason)
        yield ChatCompletionChunk(**first, **_facts(made), choices=[last])
        if request.stream_options and request.stream_options.include_usage:
            yield ChatCompletionChunk(**first, choices=[], usage=Usage(**made.usage()))

    async def _said(self, model: ServedModel, made: Composition, sampling: Sampling) -> AsyncGenerator[str]:
        """The text of a reply, as the model writes its answers."""
        if not made.conversations:
            yield made.reply.go_on()
            return
        began = time.perf_counter()
        async with aclosing(model.pieces(made.conversations, sampling)) as pieces:
            async for piece in pieces:
                if more := made.reply.add(piece):
                    yield more
        self._watch("generate", time.perf_counter() - began)

    async def _answers(
        self, model: ServedModel, conversations: Sequence[Conversation], sampling: Sampling
    ) -> list[Answer]:
        if not conversations:
            return []
        began = time.perf_counter()
        answers = await model.answers(conversations, sampling)
        self._watch("generate", time.perf_counter() - began)
        return answers

    def _reasoner(self, model: ServedModel, options: FaceOptions) -> FaceReasoner:
        prompt = options.prompt or self._options.prompt or PROMPT
        return FaceReasoner(model, prompt=prompt, marks=self._marks(options), settings=self._gallery.settings)

    def _marks(self, options: FaceOptions) -> str:
        return options.marks or self._options.marks or MARKS


def _sampling(request: ChatRequest) -> Sampling:
    penalties = {name: getattr(request, name) for name in ("frequency_penalty", "presence_penalty")}
    return Sampling(
        temperature=request.temperature or 0.0,
        top_p=request.top_p,
        seed=request.seed,
        max_tokens=request.most_tokens,
        options={name: value for name, value in penalties.items() if value is not None},
    )


def _facts(made: Composition) -> dict[str, Any]:
    analyses = made.analyses
    return {"facevlm": analyses[-1], "analyses": analyses if len(analyses) > 1 else None}
