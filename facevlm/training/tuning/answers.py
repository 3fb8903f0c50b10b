"""What the model being tuned answers, and whether its answers can be used."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from facevlm.training.tuning.collating import asked, picture
from facevlm.training.tuning.rewards import answer
from facevlm.training.tuning.rows import Row

_AT_ONCE = 8


def generate(model: Any, processor: Any, rows: Sequence[Row], most_tokens: int) -> list[str]:
    """The greedy answer to each row's prompt, unconstrained, in order."""
    import torch

    training = model.training
    model.eval()
    texts: list[str] = []
    for start in range(0, len(rows), _AT_ONCE):
        batch = [row.exchange() for row in rows[start : start + _AT_ONCE]]
        inputs = processor(
            text=[asked(processor, each) for each in batch],
            images=[[picture(image) for image in each["images"]] for each in batch],
            padding=True, padding_side="left", return_tensors="pt",
        ).to(model.device)  # fmt: skip
        with torch.inference_mode():
            written = model.generate(**inputs, do_sample=False, max_new_tokens=most_tokens)
        texts += processor.batch_decode(written[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    model.train(training)
    return texts


def asked_as_json(rows: Sequence[Row]) -> list[tuple[Row, tuple[str, ...]]]:
    """The rows whose own answer is the JSON that a face's prompt asks for, with its fields in their order."""
    found = [(row, _fields(row.answer)) for row in rows]
    return [(row, fields) for row, fields in found if fields and answer(row.answer, fields) is not None]


def valid(texts: Sequence[str], fields: Sequence[tuple[str, ...]]) -> float:
    """The share of answers that are JSON with exactly these fields in this order, each of its vocabulary."""
    return sum(answer(text.strip(), each) is not None for text, each in zip(texts, fields, strict=True)) / len(texts)


def _fields(text: str) -> tuple[str, ...]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    return tuple(content) if isinstance(content, dict) else ()
