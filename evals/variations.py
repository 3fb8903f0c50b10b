"""Models that are told something else of a face than was measured on it, or whose answer begins as it is told to.

Each wraps a model and is one, so that the whole chain of `FaceReasoner` runs as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from facevlm import prompting
from facevlm.evaluation.variations import Forced, saying
from facevlm.models import Answer, Model
from facevlm.prompting import Prompt
from facevlm.types import Conversation

__all__ = ["Forced", "Retold", "exchanged", "withheld"]

Rewrite = Callable[[Sequence[Conversation]], list[Conversation]]


class Retold:
    """A model whose conversations about faces are rewritten before it sees them."""

    asks: Literal["face"] = "face"

    def __init__(self, inner: Model, rewrite: Rewrite) -> None:
        self.inner, self.rewrite = inner, rewrite
        self.name, self.adapter, self.crop_size = inner.name, inner.adapter, inner.crop_size

    def generate(
        self, conversations: Sequence[Conversation], *, temperature: float = 0.0, seed: int | None = None
    ) -> list[Answer]:
        """What the model answers to the rewritten conversations."""
        return self.inner.generate(self.rewrite(conversations), temperature=temperature, seed=seed)

    async def agenerate(
        self, conversations: Sequence[Conversation], *, temperature: float = 0.0, seed: int | None = None
    ) -> list[Answer]:
        """`generate`, without blocking the caller's event loop."""
        return await self.inner.agenerate(self.rewrite(conversations), temperature=temperature, seed=seed)


def withheld(prompt: Prompt) -> Rewrite:
    """The prompt as it reads where nothing was measured; the crop stays."""
    nothing = prompting.face_text(prompt, {}, {})
    return lambda conversations: [saying(each, nothing) for each in conversations]


def exchanged() -> Rewrite:
    """What was measured on the face before, the first of all that on the last of its batch; the crop stays."""
    before: list[str] = []

    def rewrite(conversations: Sequence[Conversation]) -> list[Conversation]:
        own = [each.turns[-1].text for each in conversations]
        others = [*(before or own[-1:]), *own[:-1]]
        before[:] = own[-1:]
        return [saying(each, text) for each, text in zip(conversations, others, strict=True)]

    return rewrite
