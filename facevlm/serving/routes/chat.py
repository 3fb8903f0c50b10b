"""`POST /v1/chat/completions`: a conversation with pictures, answered whole or as the answer is written."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Request, Response

from facevlm.completions import ChatCompletion, ChatCompletionChunk, ChatRequest
from facevlm.completions.request import ImagePart
from facevlm.serving.access import Record, record
from facevlm.serving.body import check_values
from facevlm.serving.desk import Desk, explained
from facevlm.serving.errors import Refusal
from facevlm.serving.events import EventStream
from facevlm.serving.openapi import body, reply

_DATA = "A ChatCompletionChunk in JSON; or an ErrorReply, where the answer fails halfway; at the end `[DONE]`."
_STREAM: dict[str, Any] = {
    "schema": {
        "type": "object",
        "description": "One event.",
        "properties": {"data": {"type": "string", "description": _DATA}},
        "required": ["data"],
    }
}


def router(desk: Desk) -> APIRouter:
    """The route, at one desk."""
    routes = APIRouter(tags=["chat"])

    @routes.post(
        "/v1/chat/completions",
        operation_id="createChatCompletion",
        summary="Answer about the faces in a picture",
        responses=reply(ChatCompletion, **{"text/event-stream": _STREAM}),
        openapi_extra=body("application/json", ChatRequest),
    )
    async def create(request: Request) -> Response:
        """The picture is that of the conversation's last message that has one; its words are the question."""
        asked = await _read(request)
        known = record(request.scope)
        known.model, known.images = asked.model, _pictures(asked)
        desk.check_ready()
        if asked.stream:
            return await EventStream.begin(_chunks(desk, asked, known), desk.settings.request_seconds)
        async with desk.turn():
            answer = await desk.completer.complete(asked)
        known.faces = _faces(answer)
        return Response(answer.model_dump_json(), media_type="application/json")

    return routes


async def _read(request: Request) -> ChatRequest:
    """Parsed straight from its bytes: pydantic's parser is fast, and refuses what is nested too deep."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refusal(415, "unsupported_media_type", "send the request as application/json")
    sent = await request.body()
    check_values(sent)
    return ChatRequest.model_validate_json(sent, strict=True)


async def _chunks(desk: Desk, asked: ChatRequest, known: Record) -> AsyncGenerator[str]:
    stream = desk.completer.stream(asked)
    async with desk.slots.turn(), aclosing(stream):
        async for chunk in stream:
            known.faces += _faces(chunk)
            yield chunk.model_dump_json()


def _faces(reply: ChatCompletion | ChatCompletionChunk) -> int:
    return explained(reply.analyses or (reply.facevlm,) if reply.facevlm else ())


def _pictures(asked: ChatRequest) -> int:
    parts = (part for message in asked.messages if isinstance(message.content, list) for part in message.content)
    return sum(isinstance(part, ImagePart) for part in parts)
