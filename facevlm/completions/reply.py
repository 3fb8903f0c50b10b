"""Replies of chat completions in the OpenAI API's shape, with the Analysis beside them."""

from __future__ import annotations

import time
import uuid
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from facevlm.types import Analysis

FinishReason = Literal["stop", "length"]
Role = Literal["assistant"] | None  # of a chunk: the first one has it


class _Reply(BaseModel):
    model_config = ConfigDict(extra="allow")


class Usage(_Reply):
    """Tokens, summed over every question that was put to the model for one request."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0


class ReplyMessage(_Reply):
    """The answer."""

    role: Literal["assistant"] = "assistant"
    content: str | None = None
    refusal: str | None = None


class Choice(_Reply):
    """The one answer to a request."""

    index: int = 0
    message: ReplyMessage
    logprobs: Any = None
    finish_reason: str | None = Field(default="stop", examples=["stop", "length"])


class DeltaMessage(_Reply):
    """What a chunk adds to the answer."""

    role: Role = None
    content: str | None = None


class ChunkChoice(_Reply):
    """What a chunk adds to the one answer."""

    index: int = 0
    delta: DeltaMessage = DeltaMessage()
    logprobs: Any = None
    finish_reason: str | None = None


class _Head(_Reply):
    """`id`, `created` and `model`, the name asked for, are the same in all chunks of a reply."""

    id: str = Field(examples=["chatcmpl-0b2f6f0e"])
    created: int = Field(description="Seconds since 1970.")
    model: str
    usage: Usage | None = None
    facevlm: Analysis | None = Field(
        default=None, description="What was found, told and checked in the picture; in the last of several."
    )
    analyses: tuple[Analysis, ...] | None = Field(
        default=None, description="Of each picture in order, where the request is about several."
    )


class ChatCompletion(_Head):
    """A whole reply."""

    object: Literal["chat.completion"] = "chat.completion"
    choices: list[Choice]


class ChatCompletionChunk(_Head):
    """A piece of a reply. The Analysis comes in the chunk that has the `finish_reason`."""

    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    choices: list[ChunkChoice]


class ModelCard(BaseModel):
    """One row of `GET /v1/models`."""

    id: str = Field(examples=["facevlm"])
    object: Literal["model"] = "model"
    created: int = Field(default=0, description="Seconds since 1970.")
    owned_by: str = "facevlm"


class Head(BaseModel):
    """What every piece of one reply begins with."""

    id: str
    created: int
    model: str


def head(model: str) -> Head:
    """A reply's own id, the time, and the model's name as it was asked for."""
    return Head(id=f"chatcmpl-{uuid.uuid4().hex}", created=int(time.time()), model=model)
