"""The text of a batch of answers, out of transformers' `generate` as it chooses their tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tokenizers.decoders import DecodeStream

if TYPE_CHECKING:
    from torch import Tensor


class Streamer:
    """What `generate` calls a streamer, for a batch; an exception raised by `tell` ends the generation.

    Args:
        tokenizer: the fast tokenizer of transformers.
        count: answers in the batch.
        tell: is given the number of an answer and what has come to it, which is never empty nor half a character.
    """

    def __init__(self, tokenizer: Any, count: int, tell: Callable[[int, str], None]) -> None:
        self._tokenizer = tokenizer.backend_tokenizer
        self._decoders = [DecodeStream(skip_special_tokens=True) for _ in range(count)]
        self._tell = tell
        self._prompt_seen = False

    def put(self, tokens: Tensor) -> None:
        """The prompts first, (answers, length), then one token for each answer, (answers,)."""
        if not self._prompt_seen:
            self._prompt_seen = True
            return
        for index, (decoder, token) in enumerate(zip(self._decoders, tokens.tolist(), strict=True)):
            if text := decoder.step(self._tokenizer, token):
                self._tell(index, text)

    def end(self) -> None:
        """All answers are written."""
