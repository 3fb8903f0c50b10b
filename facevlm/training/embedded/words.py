"""The first stage of language: the writer's texts alone, no face shown, a third of the cost of a text about a picture.

To list the units that were told and to cite them is most of an answer's tokens and none of it needs a picture. Learned
only beside pictures, one interpretation in nine repeated a phrase or cited a unit that was not observed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from facevlm.faces.cues import cue_table
from facevlm.training import checkpoint
from facevlm.training.device import compile_in_place, device
from facevlm.training.embedded import language
from facevlm.training.embedded.arrays import FaceArrays
from facevlm.training.embedded.writing import Row, Writer
from facevlm.training.recipe import Words
from facevlm.training.schedule import warm_cosine

log = logging.getLogger(__name__)

SAVED_EVERY = 250  # batches
TASKS = {"sov-cot": 0.75, "sov-question": 0.25}
CROSSED = 0.5  # share of texts whose units are partly another face's, so that any combination is listed alike


def train(model: nn.Module, tokenizer: Any, faces: FaceArrays, out: Path, recipe: Words, seed: int) -> None:
    """Train the language part of `model` on texts about the units of labelled photographs.

    It is saved to `out` now and then; a run that was interrupted goes on from there.
    """
    text: nn.Module = language.core(model).model.text_model
    model.to(device()).train()
    labelled = faces.where(faces.votes.sum(1) > 0)
    steps = recipe.texts // recipe.batch
    optimiser = torch.optim.AdamW(text.parameters(), lr=recipe.rate, weight_decay=0.05, betas=(0.9, 0.98))
    schedule = warm_cosine(optimiser, steps)
    parts = {"model": text, "optimiser": optimiser, "schedule": schedule}
    compile_in_place(text, steps)
    for done in range(checkpoint.resume(out, **parts), -(-steps // SAVED_EVERY)):
        writer = Writer(tokenizer, TASKS, 1000 * seed + done, shown=False)
        first, losses = done * SAVED_EVERY, []
        batches = _batches(labelled, writer, recipe.batch, min(SAVED_EVERY, steps - first), 1000 * seed + done)
        for batch in language.ahead(batches):
            losses.append(language.step(model, optimiser, batch, writer.emotion_ids))
            schedule.step()
        checkpoint.save(checkpoint.training_state(done + 1, **parts), out)
        told = (first + len(losses)) * recipe.batch, steps * recipe.batch, float(np.mean(losses))
        log.info("text %d/%d loss %.3f", *told)


def _batches(faces: FaceArrays, writer: Writer, size: int, count: int, seed: int) -> Iterator[language.Batch]:
    chance = np.random.default_rng(seed)
    withheld = np.zeros(len(cue_table()), np.float32)
    votes = torch.from_numpy(faces.votes)
    drawn = (votes @ votes.mean(0).clamp(min=1e-3) ** -0.5).numpy().astype(float)
    for _ in range(-(-count // language.SORTED)):
        rows, others = chance.choice(len(faces), (2, size * language.SORTED), p=drawn / drawn.sum())
        units = crossed(faces.units[rows], faces.units[others], chance)
        told = zip(units, faces.truth[rows], faces.votes[rows], strict=True)
        texts = [writer.text(Row(withheld, *each)) for each in told]
        for part in language.by_length(writer.lengths(texts), size, chance.permutation)[:count]:
            chosen = [texts[place] for place in part]
            yield language.Batch(writer.encode(chosen), None, torch.from_numpy(faces.votes[rows[part]]))
        count -= language.SORTED


def crossed(
    units: NDArray[np.float32], others: NDArray[np.float32], chance: np.random.Generator
) -> NDArray[np.float32]:
    """(n, 24, 3) of two faces → one of which some have half of their units from the other, and some are mirrored."""
    take = (chance.random((len(units), 1, 1)) < CROSSED) & (chance.random((*units.shape[:2], 1)) < 0.5)
    mixed = np.where(take, others, units)
    return np.where(chance.random((len(units), 1, 1)) < 0.5, mixed, mixed[:, :, [0, 2, 1]])
