"""What a model is told of a face instead of what was measured on it, and answers that begin as they are told to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from facevlm import prompting
from facevlm.data.cot import short
from facevlm.models import Answer
from facevlm.models.local import LARGEST_BATCH, LocalModel
from facevlm.prompting import Prompt
from facevlm.types import Conversation, Explanation, Generation

FORCED = ("observations", "interpretation")


def withheld(prompt: Prompt, conversation: Conversation) -> Conversation:
    """The question as it reads where nothing was measured; the crop stays."""
    return saying(conversation, prompting.face_text(prompt, {}, {}))


def exchanged(conversation: Conversation, other: Conversation) -> Conversation:
    """The question with what was measured on another face; the crop stays."""
    return saying(conversation, other.turns[-1].text)


def saying(conversation: Conversation, text: str) -> Conversation:
    """The conversation with other words in its last turn."""
    *earlier, last = conversation.turns
    return conversation.model_copy(update={"turns": (*earlier, last.model_copy(update={"text": text}))})


def beginning(explanation: Explanation) -> str:
    """An answer up to where its interpretation begins."""
    return short.write(explanation.observations, "", "neutral", FORCED).removesuffix('"}')


class Forced:
    """A local model whose answers begin with given texts, one after the other, and go on as it likes: greedily, and
    bound to no schema.
    """

    asks: Literal["face"] = "face"

    def __init__(self, inner: LocalModel, beginnings: Iterator[str]) -> None:
        self.inner, self.beginnings = inner, beginnings
        self.name, self.adapter, self.crop_size = inner.name, inner.adapter, inner.crop_size

    def generate(
        self, conversations: Sequence[Conversation], *, temperature: float = 0.0, seed: int | None = None
    ) -> list[Answer]:
        """The answers with their beginnings; temperature and seed are of no use to greedy decoding."""
        answers: list[Answer] = []
        for start in range(0, len(conversations), LARGEST_BATCH):
            answers += self._continued(conversations[start : start + LARGEST_BATCH])
        return answers

    async def agenerate(
        self, conversations: Sequence[Conversation], *, temperature: float = 0.0, seed: int | None = None
    ) -> list[Answer]:
        """`generate` in a thread of its own."""
        return await asyncio.to_thread(self.generate, conversations, temperature=temperature, seed=seed)

    def _continued(self, batch: Sequence[Conversation]) -> list[Generation]:
        import torch

        model, processor = self.inner.network, self.inner.processor
        begun = [next(self.beginnings) for _ in batch]
        asked = [
            processor.apply_chat_template(_messages(each), tokenize=False, add_generation_prompt=True) for each in batch
        ]
        texts = [question + beginning for question, beginning in zip(asked, begun, strict=True)]
        images = [[image for turn in each.turns for image in turn.images] for each in batch]
        inputs = processor(text=texts, images=images, padding=True, padding_side="left", return_tensors="pt")
        with torch.inference_mode():
            written = model.generate(
                **inputs.to(model.device), do_sample=False, max_new_tokens=max(each.max_tokens for each in batch),
                eos_token_id=self.inner.stop_ids, pad_token_id=processor.tokenizer.pad_token_id,
            )[:, inputs["input_ids"].shape[1] :]  # fmt: skip
        said = processor.tokenizer.batch_decode(written, skip_special_tokens=True)
        return [Generation(beginning + text) for beginning, text in zip(begun, said, strict=True)]


def _messages(conversation: Conversation) -> list[dict[str, Any]]:
    return [
        {"role": turn.role, "content": [*({"type": "image"} for _ in turn.images), {"type": "text", "text": turn.text}]}
        for turn in conversation.turns
    ]
