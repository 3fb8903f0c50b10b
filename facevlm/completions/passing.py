"""Requests without a picture: passed on to the server behind, or answered by a model that can chat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import Future
from contextlib import aclosing
from typing import Any

from pydantic import ValidationError

from facevlm.completions.reading import words
from facevlm.completions.reply import (
    ChatCompletion,
    ChatCompletionChunk,
    Choice,
    ChunkChoice,
    DeltaMessage,
    FinishReason,
    Head,
    ReplyMessage,
    Role,
    Usage,
)
from facevlm.completions.request import PASSED_ON, ChatRequest
from facevlm.errors import FaceVLMError, ModelError
from facevlm.models import Answer, Sampling, ServedModel
from facevlm.models.openai import OpenAIModel
from facevlm.models.relay import Tell, relayed
from facevlm.types import Conversation, Generation, Turn

LOCAL_TOKENS = 512

NEEDS_A_PICTURE = (
    "I explain the expressions of faces in pictures, and there is no picture in this conversation yet. "
    "Send one as an image_url part of your message, with your question beside it."
)


async def complete(model: ServedModel, request: ChatRequest, sampling: Sampling, head: Head) -> ChatCompletion:
    """The whole reply. Raises ModelError where the model failed."""
    if isinstance(model, OpenAIModel) and model.asks == "scene":
        body = await asyncio.wrap_future(model.endpoint.submit(model.endpoint.complete(_body(model, request))))
        try:
            reply = ChatCompletion.model_validate_json(body)
        except ValidationError:
            raise ModelError(f"{model.endpoint.url}: its answer is no chat completion; see its log") from None
        return reply.model_copy(update=head.model_dump())
    answer: Answer = Generation(NEEDS_A_PICTURE)
    if model.asks == "scene":
        (answer,) = await model.answers([_conversation(request)], sampling)
    if isinstance(answer, FaceVLMError):
        raise answer
    choice = Choice(message=ReplyMessage(content=answer.text), finish_reason=_finish(answer))
    return ChatCompletion(**head.model_dump(), choices=[choice], usage=Usage(**answer.usage))


async def stream(
    model: ServedModel, request: ChatRequest, sampling: Sampling, head: Head
) -> AsyncGenerator[ChatCompletionChunk]:
    """The reply as it is written. Raises as `complete` does."""
    if isinstance(model, OpenAIModel) and model.asks == "scene":
        chunks = _passed(model, request, head)
    else:
        chunks = _written(model, request, sampling, head)
    async with aclosing(chunks):
        async for chunk in chunks:
            if chunk.choices or (request.stream_options and request.stream_options.include_usage):
                yield chunk


async def _passed(model: OpenAIModel, request: ChatRequest, head: Head) -> AsyncGenerator[ChatCompletionChunk]:
    def begin(tell: Tell[Any]) -> Future[None]:
        return model.endpoint.submit(model.endpoint.stream(_body(model, request), tell))

    async with aclosing(relayed(begin)) as events:
        async for event in events:
            try:
                chunk = ChatCompletionChunk.model_validate(event)
            except ValidationError:
                raise ModelError(f"{model.endpoint.url}: its answer is no chat completion; see its log") from None
            yield chunk.model_copy(update=head.model_dump())


async def _written(
    model: ServedModel, request: ChatRequest, sampling: Sampling, head: Head
) -> AsyncGenerator[ChatCompletionChunk]:
    own = head.model_dump()
    if model.asks == "face":
        yield ChatCompletionChunk(**own, choices=[_change(NEEDS_A_PICTURE, "assistant")])
        yield ChatCompletionChunk(**own, choices=[ChunkChoice(finish_reason="stop")])
        return
    role: Role = "assistant"
    async with aclosing(model.pieces([_conversation(request)], sampling)) as pieces:
        async for piece in pieces:
            if piece.text:
                yield ChatCompletionChunk(**own, choices=[_change(piece.text, role)])
                role = None
            if isinstance(piece.answer, FaceVLMError):
                raise piece.answer
            if isinstance(piece.answer, Generation):
                answer = piece.answer
    yield ChatCompletionChunk(**own, choices=[ChunkChoice(finish_reason=_finish(answer))])
    yield ChatCompletionChunk(**own, choices=[], usage=Usage(**answer.usage))


def _finish(answer: Generation) -> FinishReason:
    return "length" if answer.cut else "stop"


def _change(text: str, role: Role) -> ChunkChoice:
    return ChunkChoice(delta=DeltaMessage(role=role, content=text))


def _body(model: OpenAIModel, request: ChatRequest) -> dict[str, Any]:
    """The request as it is passed on, with the server's own name of the model."""
    sent = request.model_dump(exclude_unset=True, by_alias=True)
    return {name: value for name, value in sent.items() if name in PASSED_ON} | {"model": model.served_as}


def _conversation(request: ChatRequest) -> Conversation:
    turns = tuple(Turn(role=_role(message.role), text=words(message)) for message in request.messages if words(message))
    return Conversation(turns=turns, max_tokens=request.most_tokens or LOCAL_TOKENS)


def _role(role: str) -> Any:
    return {"developer": "system", "tool": "user"}.get(role, role)
