"""The chat-completions format of OpenAI-compatible endpoints: a Conversation as a request, a reply as a Generation."""

from __future__ import annotations

import base64
import io
import weakref
from collections.abc import Sequence
from typing import Any, Literal, TypeVar

from PIL import Image
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from facevlm.errors import ModelError, quoted
from facevlm.models.commitment import Step, commitments, first_named
from facevlm.models.protocol import Sampling
from facevlm.types import Conversation, Generation, Turn

LONGEST_SIDE = 2048  # hosted models scale larger pictures down themselves; sending more only costs time
PNG_PIXELS = 512 * 512  # above this a JPEG, full chroma so that thin coloured marks stay sharp

CUT = "length"  # the finish_reason of an answer that the limit on tokens ended
# What an endpoint may refuse and FaceVLM can do without.
OPTIONAL = ("logprobs", "temperature", "seed", "max_tokens", "top_p", "stream_options")


class DataUrls:
    """Pictures as data URLs, each encoded once for as long as it lives; pictures that were sent are not drawn on."""

    def __init__(self) -> None:
        self._urls: dict[int, str] = {}

    def __call__(self, image: Image.Image) -> str:
        """An RGB picture as the data URL of a PNG, or of a JPEG where it is large."""
        key = id(image)
        if key not in self._urls:
            self._urls[key] = _data_url(image)
            weakref.finalize(image, self._urls.pop, key).atexit = False
        return self._urls[key]


def request_of(conversation: Conversation, model: str, sampling: Sampling, data_urls: DataUrls) -> dict[str, Any]:
    """The body of a chat-completions request."""
    request: dict[str, Any] = {
        "model": model,
        "messages": [_message(turn, data_urls) for turn in conversation.turns],
        "max_tokens": sampling.limit(conversation),
        "temperature": sampling.temperature,
        "logprobs": True,
        "top_logprobs": 20,
        **sampling.options,
    }
    for name, value in (("seed", sampling.seed), ("top_p", sampling.top_p)):
        if value is not None:
            request[name] = value
    if conversation.answer_schema is not None:
        answer = {"name": "answer", "schema": conversation.answer_schema, "strict": True}
        request["response_format"] = {"type": "json_schema", "json_schema": answer}
    return request


def without(refused: frozenset[str], request: dict[str, Any]) -> dict[str, Any]:
    """The request less its refused options; newer OpenAI models want the token limit under another name."""
    kept = {key: value for key, value in request.items() if not {key, key.removeprefix("top_")} & refused}
    if "max_tokens" in refused and "max_tokens" in request:
        kept["max_completion_tokens"] = request["max_tokens"]
    return kept


def refusals(said: str) -> frozenset[str]:
    """The options that an endpoint's refusal names; log-probabilities where it names none, for few can give them."""
    return frozenset(option for option in OPTIONAL if option in said) or frozenset({"logprobs"})


def _message(turn: Turn, data_urls: DataUrls) -> dict[str, Any]:
    if not turn.images:
        return {"role": turn.role, "content": turn.text}
    pictures = [{"type": "image_url", "image_url": {"url": data_urls(image)}} for image in turn.images]
    return {"role": turn.role, "content": [*pictures, {"type": "text", "text": turn.text}]}


def _data_url(image: Image.Image) -> str:
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
    finish_reason: str | None = None


class _Completion(BaseModel):
    choices: Sequence[_Choice] = Field(min_length=1)
    usage: dict[str, Any] | None = None


class _Logprobs(BaseModel):
    content: list[Step] | None = None


class _MeasuredChoice(_Choice):
    logprobs: _Logprobs | None = None


class _Measured(_Completion):
    """A completion with its log-probabilities, two hundred times the rest: only what is used of them is made."""

    choices: Sequence[_MeasuredChoice] = Field(min_length=1)


class Listed(BaseModel):
    """A model or an adapter that an endpoint serves; vLLM names the `parent` of an adapter."""

    id: str
    parent: str | None = None


class Listing(BaseModel):
    """The reply to `GET /v1/models`."""

    data: list[Listed]


class _Delta(BaseModel):
    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None


class _Change(BaseModel):
    delta: _Delta = _Delta()
    logprobs: Any = None
    finish_reason: str | None = None


class _Chunk(BaseModel):
    choices: list[_Change] = []
    usage: dict[str, Any] | None = None


Reply = TypeVar("Reply", bound=BaseModel)
Asks = Literal["scene", "face"]

_STEPS = TypeAdapter(list[Step])


def read(kind: type[Reply], body: bytes, url: str) -> Reply:
    """A reply's body as a value. Raises ModelError where it is something else, such as a web page."""
    try:
        return kind.model_validate_json(body)
    except ValidationError:
        raise _not_the_api(body.decode(errors="replace"), url) from None


def generation_of(body: bytes, url: str, asks: Asks = "scene", temperature: float = 1.0) -> Generation:
    """What a chat completion says. Raises ModelError where the body is none."""
    completion: _Completion
    steps: Sequence[Step] = ()
    try:
        completion = measured = _Measured.model_validate_json(body)
        steps = (measured.choices[0].logprobs or _Logprobs()).content or ()
    except ValidationError:  # log-probabilities are welcome and never required: those in another shape are none
        completion = read(_Completion, body, url)
    message = completion.choices[0].message
    reasoning = message.reasoning or message.reasoning_content
    cut = completion.choices[0].finish_reason == CUT
    return _generation(message.content or "", reasoning, steps, completion.usage, cut, asks, temperature)


class Heard:
    """A streamed chat completion, as far as it has come."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._steps: list[Any] = []
        self._usage: dict[str, Any] | None = None
        self._ended: str | None = None

    def add(self, event: Any) -> str:
        """Takes the next event and returns the text it adds. Raises ModelError where it is no chunk."""
        try:
            chunk = _Chunk.model_validate(event)
        except ValidationError:
            raise _not_the_api(str(event), self._url) from None
        self._usage = chunk.usage or self._usage
        if not chunk.choices:
            return ""
        change = chunk.choices[0]
        self._ended = change.finish_reason or self._ended
        self._reasoning.append(change.delta.reasoning or change.delta.reasoning_content or "")
        self._steps += (change.logprobs.get("content") if isinstance(change.logprobs, dict) else None) or ()
        self._text.append(change.delta.content or "")
        return self._text[-1]

    def generation(self, asks: Asks = "scene", temperature: float = 1.0) -> Generation:
        """What was said in all. Raises ModelError where the stream ended before the answer did."""
        if self._ended is None:
            raise ModelError(f"{self._url}: the answer broke off before its end; see the server's log, then try again")
        try:
            steps = _STEPS.validate_python(self._steps)
        except ValidationError:
            steps = []
        reasoning = "".join(self._reasoning) or None
        cut = self._ended == CUT
        return _generation("".join(self._text), reasoning, steps, self._usage, cut, asks, temperature)


def _generation(
    text: str,
    reasoning: str | None,
    steps: Sequence[Step],
    usage: dict[str, Any] | None,
    cut: bool,
    asks: Asks,
    temperature: float,
) -> Generation:
    committed = commitments(steps, text)
    first = first_named(steps, text, temperature) if asks == "face" else None
    return Generation(
        text=text,
        probabilities=first or (committed[0] if committed else None),
        reasoning=reasoning,
        usage={name: count for name, count in (usage or {}).items() if isinstance(count, int)},
        commitments=committed,
        cut=cut,
    )


def _not_the_api(said: str, url: str) -> ModelError:
    said = quoted(said)
    return ModelError(f"{url}: answered «{said}», not the OpenAI API; --base-url mostly ends in /v1", retry=False)
