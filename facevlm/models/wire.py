"""The chat-completions format of OpenAI-compatible endpoints: a Conversation as a request, a reply as a Generation."""

from __future__ import annotations

import base64
import io
from typing import Any, TypeVar

from PIL import Image
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from facevlm.errors import ModelError, quoted
from facevlm.models.commitment import Step, commitments
from facevlm.types import Conversation, Emotion, Generation, Turn

LONGEST_SIDE = 2048  # hosted models scale larger pictures down themselves; sending more only costs time
PNG_PIXELS = 512 * 512  # above this a JPEG, full chroma so that thin coloured marks stay sharp

# What an endpoint may refuse and FaceVLM can do without.
OPTIONAL = ("logprobs", "temperature", "seed", "max_tokens")


def request_of(conversation: Conversation, model: str, temperature: float, seed: int | None) -> dict[str, Any]:
    """The body of a chat-completions request."""
    request: dict[str, Any] = {
        "model": model,
        "messages": [_message(turn) for turn in conversation.turns],
        "max_tokens": conversation.max_tokens,
        "temperature": temperature,
        "logprobs": True,
        "top_logprobs": 20,
    }
    if seed is not None:
        request["seed"] = seed
    if conversation.answer_schema is not None:
        answer = {"name": "answer", "schema": conversation.answer_schema, "strict": True}
        request["response_format"] = {"type": "json_schema", "json_schema": answer}
    return request


def without(refused: frozenset[str], request: dict[str, Any]) -> dict[str, Any]:
    """The request less its refused options; newer OpenAI models want the token limit under another name."""
    kept = {key: value for key, value in request.items() if key.removeprefix("top_") not in refused}
    if "max_tokens" in refused:
        kept["max_completion_tokens"] = request["max_tokens"]
    return kept


def _message(turn: Turn) -> dict[str, Any]:
    if not turn.images:
        return {"role": turn.role, "content": turn.text}
    pictures = [{"type": "image_url", "image_url": {"url": _data_url(image)}} for image in turn.images]
    return {"role": turn.role, "content": [*pictures, {"type": "text", "text": turn.text}]}


def _data_url(image: Image.Image) -> str:
    """An RGB picture as the data URL of a PNG, or of a JPEG where it is large."""
    if max(image.size) > LONGEST_SIDE:
        image = image.copy()
        image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    if image.width * image.height <= PNG_PIXELS:
        image.save(data, "PNG")
        kind = "png"
    else:
        image.save(data, "JPEG", quality=92, subsampling=0)
        kind = "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data.getvalue()).decode('ascii')}"


class _Message(BaseModel):
    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None


class _Choice(BaseModel):
    message: _Message
    logprobs: Any = None


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: dict[str, Any] | None = None


class _Served(BaseModel):
    id: str


class Listing(BaseModel):
    data: list[_Served]


Reply = TypeVar("Reply", bound=BaseModel)


def read(kind: type[Reply], body: str, url: str) -> Reply:
    """A reply's body as a value. Raises ModelError where it is something else, such as a web page."""
    try:
        return kind.model_validate_json(body)
    except ValidationError:
        said = quoted(body)
        raise ModelError(f"{url}: answered «{said}», not the OpenAI API; --base-url mostly ends in /v1") from None


def generation_of(body: str, url: str) -> Generation:
    """What a chat completion says. Raises ModelError where the body is none."""
    completion = read(_Completion, body, url)
    choice = completion.choices[0]
    text = choice.message.content or ""
    committed = _commitments(choice.logprobs, text)
    return Generation(
        text=text,
        probabilities=committed[0] if committed else None,
        reasoning=choice.message.reasoning or choice.message.reasoning_content,
        usage={name: count for name, count in (completion.usage or {}).items() if isinstance(count, int)},
        commitments=committed,
    )


def _commitments(logprobs: Any, text: str) -> tuple[dict[Emotion, float] | None, ...]:
    """Probabilities are welcome and never required: an endpoint that gives them in another shape gives none."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    try:
        return commitments(TypeAdapter(list[Step]).validate_python(content), text)
    except ValidationError:
        return ()
