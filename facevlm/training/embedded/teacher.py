"""A small residual CNN on grey face crops: the teacher whose features the vision tower of the embedded model learns.

A transformer of this size learns little from 28,000 faces by itself; a CNN does, and hands it on. It learns emotions
from the votes on photographs, and action units on both sides of the face from what synthetic faces truly show and what
is measured on photographs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from facevlm.matching.tower import WIDTHS, Trunk
from facevlm.training import checkpoint
from facevlm.training.device import device, half
from facevlm.training.embedded.arrays import FaceArrays
from facevlm.training.embedded.augment import View, random_view
from facevlm.training.schedule import warm_cosine
from facevlm.types import AU_CODES

log = logging.getLogger(__name__)

UNITS = 2 * len(AU_CODES)  # left and right
UNITS_SHARE = 4.0  # of the loss over action units, whose mean over mostly absent ones is small


class Teacher(Trunk):
    """Logits over the eight emotions, and of action units, from (n, 1, size, size) crops in 0–1."""

    def __init__(self) -> None:
        super().__init__(channels=1)
        self.head = nn.Linear(WIDTHS[-1], 8)
        self.to_units = nn.Linear(WIDTHS[-1], UNITS)

    def features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The (n, c, size/8, size/8) feature map that the tower's patches line up with, and the pooled vector."""
        return self.maps((x - 0.45) / 0.25)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Emotion logits (n, 8), and logits of the strength of each action unit, (n, 48): left and right in turn."""
        pooled = functional.dropout(self.features(x)[1], 0.3, self.training)
        return self.head(pooled), self.to_units(pooled)


def on_device(model: Teacher) -> Teacher:
    """The CNN where it is trained, in the layout convolutions like."""
    model.to(device()).to(memory_format=torch.channels_last)
    return model


def train(faces: FaceArrays, check: FaceArrays, out: Path, *, epochs: int, seed: int, batch: int = 128) -> Teacher:
    """Train on votes and action units, saving after every epoch to `out`; goes on from there if it was interrupted."""
    torch.manual_seed(seed)
    model = on_device(Teacher())
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
    batch = min(batch, len(faces))
    schedule = warm_cosine(optimiser, epochs * (len(faces) // batch), warm=0.15)
    parts = {"model": model, "optimiser": optimiser, "schedule": schedule}
    units = unit_targets(faces)
    for epoch in range(checkpoint.resume(out, **parts), epochs):
        generator = torch.Generator().manual_seed(seed * 1000 + epoch)
        model.train()
        for rows in torch.randperm(len(faces), generator=generator).split(batch):
            if len(rows) == batch:
                _step(model, optimiser, faces, units, rows, generator)
                schedule.step()
        checkpoint.save(checkpoint.training_state(epoch + 1, **parts), out)
        log.info("teacher epoch %d/%d: accuracy %.4f on the held-out tenth", epoch + 1, epochs, accuracy(model, check))
    return model.eval()


def opinion(model: Teacher) -> Callable[[Tensor, Tensor], Tensor]:
    """What the CNN makes of faces as they are shown: `language.Opinion`."""

    def shares(_: Tensor, grey: Tensor) -> Tensor:
        with torch.inference_mode(), half():
            told: Tensor = model(grey.to(device(), memory_format=torch.channels_last))[0].float().softmax(1)
        return told.cpu().clone()  # a tensor made above could take part in no loss

    return shares


def accuracy(model: nn.Module, faces: FaceArrays) -> float:
    """Strict-majority accuracy on unaltered crops."""
    known = torch.from_numpy(faces.majority >= 0)
    pixels = torch.from_numpy(faces.plain)[known, None].float() / 255
    model.eval()
    with torch.inference_mode():
        guesses = torch.cat([model(part.to(device()))[0].argmax(1).cpu() for part in pixels.split(256)])
    return float((guesses == torch.from_numpy(faces.majority)[known]).float().mean())


def unit_targets(faces: FaceArrays) -> Tensor:
    """How strong each action unit is, (n, 24, 2) in 0–1 for left and right: the truth, else as measured, else NaN."""
    value, sides = faces.units[..., :1], faces.units[..., 1:]
    measured = np.where(np.isnan(sides), value, sides)
    return torch.from_numpy(np.where(np.isnan(faces.truth), measured, faces.truth).clip(0, 1))


def in_view(units: Tensor, view: View) -> Tensor:
    """(n, 24, 2) as they are in a view: a mirrored face has its sides swapped."""
    return torch.where(view.mirrored[:, None, None], units.flip(2), units)


def units_loss(logits: Tensor, units: Tensor) -> Tensor:
    """Cross-entropy of (n, 48) logits against (n, 24, 2) strengths, over those that are known."""
    known = ~units.isnan()
    return functional.binary_cross_entropy_with_logits(logits.view(units.shape)[known], units[known])


def votes_loss(logits: Tensor, votes: Tensor) -> Tensor:
    """Cross-entropy against (n, 8) shares of votes, over the faces that were voted on."""
    voted = votes.sum(1) > 0
    return functional.cross_entropy(logits, votes, label_smoothing=0.05, reduction="none")[voted].sum() / len(votes)


def _step(
    model: Teacher, optimiser: Any, faces: FaceArrays, units: Tensor, rows: Tensor, generator: torch.Generator
) -> None:
    view = random_view(len(rows), faces.plain.shape[-1], generator)
    plain = torch.from_numpy(faces.plain)[rows, None].float() / 255
    with half():
        emotions, moves = model(view.apply(plain).to(device(), memory_format=torch.channels_last))
    loss = votes_loss(emotions.float(), torch.from_numpy(faces.votes)[rows].to(device()))
    loss = loss + UNITS_SHARE * units_loss(moves.float(), in_view(units[rows], view).to(device()))
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
