"""What is asked of a model. Any object of these shapes will do; there is nothing to inherit from."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from facevlm.errors import FaceVLMError
from facevlm.types import Conversation, Generation

Answer = Generation | FaceVLMError


@dataclass(frozen=True)
class Sampling:
    """How the tokens of an answer are chosen; the likeliest, by default."""

    temperature: float = 0.0
    top_p: float | None = None
    seed: int | None = None
    max_tokens: int | None = None  # of one answer; a conversation's own limit holds where it is lower
    options: Mapping[str, Any] = field(default_factory=dict)  # further ones of an endpoint; a local model has none

    def limit(self, conversation: Conversation) -> int:
        """How many tokens the answer to a conversation may have."""
        return min(conversation.max_tokens, self.max_tokens or conversation.max_tokens)


GREEDY = Sampling()


@dataclass(frozen=True)
class Piece:
    """A piece of the answer to one of several conversations; the last has the whole `answer`."""

    index: int  # of the conversation
    text: str = ""
    answer: Answer | None = None


class Model(Protocol):
    """A vision-language model that answers conversations about marked faces."""

    @property
    def name(self) -> str:
        """What provenance calls it."""

    @property
    def adapter(self) -> str | None:
        """The LoRA adapter in use, None for the bare base."""

    @property
    def asks(self) -> Literal["scene", "face"]:
        """One conversation about the whole marked picture, or one about each marked crop."""

    @property
    def crop_size(self) -> int:
        """The side in pixels of the square crops it is shown; of no use to a model that asks by scene."""

    def generate(
        self, conversations: Sequence[Conversation], *, temperature: float = 0.0, seed: int | None = None
    ) -> list[Answer]:
        """One answer per conversation, in order; a conversation that failed gives its error and the others go on."""

    async def agenerate(
        self, conversations: Sequence[Conversation], *, temperature: float = 0.0, seed: int | None = None
    ) -> list[Answer]:
        """`generate`, without blocking the caller's event loop."""


class ServedModel(Model, Protocol):
    """A model that can be asked by many at once, with all the ways of sampling, and watched as it writes."""

    async def answers(self, conversations: Sequence[Conversation], sampling: Sampling = GREEDY) -> list[Answer]:
        """As `agenerate`. Cancelling it stops the model."""

    def pieces(self, conversations: Sequence[Conversation], sampling: Sampling = GREEDY) -> AsyncGenerator[Piece]:
        """The answers as they are written, those of all conversations side by side; closing it stops the model.

        The pieces of one conversation come in order, the last with its answer; no other has one.
        """
