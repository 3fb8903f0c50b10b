"""The body of a chat-completions request, as the OpenAI API has it, and what FaceVLM adds to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

DEFAULT_MODEL = "facevlm"

Detail = Literal["low", "normal", "high"]
Marks = Literal["plain", "box", "number", "landmarks"]


def _whole(value: Any) -> Any:
    """JSON knows no integers: 10.0 is one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_Whole = BeforeValidator(_whole)


class _Part(BaseModel):
    """Fields not named here are dropped: a server behind may read them and fetch what they name."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class TextPart(_Part):
    """Words of a message."""

    type: Literal["text"]
    text: str = Field(examples=["Why does she look surprised?"])


class ImageUrl(_Part):
    """Where a picture is."""

    url: str = Field(
        description="A `data:` URL. Others only where the server was told to allow their domain.",
        examples=["data:image/jpeg;base64,/9j/4AAQ…"],
    )
    detail: Literal["auto", "low", "high"] | None = Field(
        default=None, description="Taken for compatibility and not used: faces are always looked at in full."
    )


def _bare(value: Any) -> Any:
    """Some programs give the URL by itself, and some servers take it."""
    return ImageUrl(url=value) if isinstance(value, str) else value


class ImagePart(_Part):
    """A picture in a user's message."""

    type: Literal["image_url"]
    image_url: Annotated[ImageUrl, BeforeValidator(_bare, json_schema_input_type=ImageUrl | str)]


Part = Annotated[TextPart | ImagePart, Field(discriminator="type")]


def _content_kind(content: Any) -> str:
    return "words" if isinstance(content, str) else "parts"


Content = Annotated[
    Annotated[str, Tag("words")] | Annotated[list[Part], Tag("parts")], Discriminator(_content_kind)
]  # fmt: skip


class Message(_Part):
    """One message of a conversation. Pictures stand in those of the user."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Content | None = Field(
        default=None,
        description="Words, or parts of words and pictures in any order.",
        examples=["What does face 1 show?"],
    )
    name: str | None = None
    refusal: str | None = None
    tool_calls: list[dict[str, Any]] | None = Field(
        default=None, description="An assistant's; passed on where a request without a picture is."
    )
    tool_call_id: str | None = None


class FaceOptions(BaseModel):
    """How faces are asked about and told of."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: str | None = Field(
        default=None,
        description="Name of a prompt that explains faces; the server's own by default.",
        examples=["sov-cot", "sov-label-first", "sov-label"],
    )
    marks: Marks | None = Field(default=None, description="What is drawn on faces; the server's own by default.")
    detail: Detail = Field(
        default="normal",
        description="`low` leaves out how each action unit shows; `high` adds a table of what was measured.",
    )


class JsonSchema(BaseModel):
    """The schema of an answer. One named `analysis` or `facevlm…`, or titled `Analysis`, asks for the Analysis."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    name: str = Field(max_length=64, examples=["analysis"])
    description: str | None = None
    schema_: dict[str, Any] | None = Field(default=None, alias="schema")
    strict: bool | None = None


class TextFormat(_Part):
    """An answer as Markdown."""

    type: Literal["text"]


class JsonObjectFormat(_Part):
    """An answer as the Analysis in JSON."""

    type: Literal["json_object"]


class JsonSchemaFormat(_Part):
    """An answer in JSON of a schema."""

    type: Literal["json_schema"]
    json_schema: JsonSchema


ResponseFormat = Annotated[TextFormat | JsonObjectFormat | JsonSchemaFormat, Field(discriminator="type")]


class StreamOptions(_Part):
    """What a stream carries besides the text."""

    include_usage: bool = Field(default=False, description="Whether a last chunk without choices tells the usage.")


_EXAMPLE: dict[str, Any] = {
    "model": DEFAULT_MODEL,
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "How does face 1 feel about this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo…"}},
            ],
        }
    ],
}


class ChatRequest(BaseModel):
    """A conversation to be continued.

    Fields of the OpenAI API that are not listed are taken. Those in `PASSED_ON` reach the server behind when a request
    has no picture; no other does.
    """

    model_config = ConfigDict(extra="allow", frozen=True, json_schema_extra={"examples": [_EXAMPLE]})

    messages: list[Message] = Field(min_length=1, description="The conversation so far, oldest message first.")
    model: str = Field(
        default=DEFAULT_MODEL,
        max_length=256,
        description="`facevlm`, a name of `GET /v1/models`, or NAME:ADAPTER.",
        examples=[DEFAULT_MODEL, "nano", "nano:nano-facs"],
    )
    facevlm: FaceOptions | None = Field(default=None, description="How faces are asked about and told of.")
    stream: bool = Field(default=False, description="Whether the answer comes as it is written.")
    stream_options: StreamOptions | None = None
    response_format: ResponseFormat | None = Field(
        default=None, description="Markdown by default. With `json_object` the answer is the Analysis."
    )
    temperature: float | None = Field(default=None, ge=0, le=2, description="0, the likeliest answer, by default.")
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: Annotated[int | None, _Whole] = Field(default=None, ge=-(2**63), lt=2**63)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    max_tokens: Annotated[int | None, _Whole] = Field(
        default=None, gt=0, le=2**31, description="Of each answer of the model; of one face, where it asks by face."
    )
    max_completion_tokens: Annotated[int | None, _Whole] = Field(
        default=None, gt=0, le=2**31, description="The newer name of max_tokens."
    )
    n: Annotated[Literal[1] | None, _Whole] = Field(default=None, description="One answer a request.")

    @property
    def most_tokens(self) -> int | None:
        """The limit on tokens, under whichever name."""
        return self.max_completion_tokens or self.max_tokens


# What pydantic adds to the place of a fault: which of several kinds it took a value for. By the part before it.
_KINDS = {"content": ("words", "parts"), "response_format": ("text", "json_object", "json_schema")}
_KINDS_OF_PARTS = ("text", "image_url")


def field(place: Iterable[int | str]) -> str:
    """The name of the field at a place that pydantic tells, as a request has it: `messages.0.content.0.image_url`."""
    parts = list(place)
    return ".".join(str(part) for before, part in zip(("", *parts), parts, strict=False) if part not in _kinds(before))


def _kinds(before: int | str) -> tuple[str, ...]:
    return _KINDS_OF_PARTS if isinstance(before, int) else _KINDS.get(before, ())


# What a request without a picture hands to the server behind: OpenAI's fields, and no others, since servers take more
# that reach far, such as templates and the handling of media.
PASSED_ON = frozenset(
    {
        "messages", "stream", "stream_options", "response_format", "temperature", "top_p", "seed", "frequency_penalty",
        "presence_penalty", "max_tokens", "max_completion_tokens", "n", "stop", "logit_bias", "logprobs",
        "top_logprobs", "tools", "tool_choice", "parallel_tool_calls", "reasoning_effort", "verbosity", "user",
    }
)  # fmt: skip
