"""What the reasoner asks of a model. Any object of this shape will do; there is nothing to inherit from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from facevlm.errors import FaceVLMError
from facevlm.types import Conversation, Generation

Answer = Generation | FaceVLMError


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
