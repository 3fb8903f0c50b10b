"""Rows as one batch: pictures opened when their turn comes, and loss on the answers alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facevlm.errors import InputError
from facevlm.training.tuning.architectures import Architecture

if TYPE_CHECKING:
    from PIL.Image import Image

Examples = Sequence[dict[str, Any]]


class Collator:
    """Makes batches of a processor's tensors with `labels` (n, tokens) int64: −100 but on the tokens of the answers.

    Args:
        processor: the base's, with a chat template.
        architecture: says how answers are joined to prompts.
    """

    def __init__(self, processor: Any, architecture: Architecture) -> None:
        from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

        self._processor = processor
        self._suffixed = architecture.answers == "suffix"
        self._turns = DataCollatorForVisionLanguageModeling(processor, max_length=None, completion_only_loss=True)

    def __call__(self, examples: Examples) -> Any:
        """A batch of rows as `Row.exchange` gives them.

        Raises:
            InputError: a picture is no longer there, or cannot be read.
        """
        opened = [{**each, "images": [picture(image) for image in each["images"]]} for each in examples]
        return self._with_suffixes(opened) if self._suffixed else self._turns(opened)

    def _with_suffixes(self, examples: Examples) -> Any:
        """For processors that join prefix and suffix themselves and mask the prefix (PaliGemma)."""
        return self._processor(
            text=[asked(self._processor, each) for each in examples],
            images=[each["images"] for each in examples],
            suffix=["".join(part["text"] for part in each["completion"][0]["content"]) for each in examples],
            padding=True, return_tensors="pt",
        )  # fmt: skip


def asked(processor: Any, example: dict[str, Any]) -> str:
    """The prompt of a row as text, up to where the answer begins."""
    text: str = processor.apply_chat_template(example["prompt"], tokenize=False, add_generation_prompt=True)
    return text


def picture(file: str) -> Image:
    """The picture as every analysis sees it: upright, RGB."""
    from facevlm import faces

    try:
        return faces.decode(Path(file)).image
    except InputError as error:
        raise InputError(f"{error}; it was there when training began, restore it and run the same command") from None
