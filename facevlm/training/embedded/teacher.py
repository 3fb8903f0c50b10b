"""A small residual CNN on grey face crops: the teacher whose features the vision tower of the embedded model learns.

A transformer of this size learns little from 28,000 faces by itself; a CNN does, and hands it on.
"""

from __future__ import annotations

import logging
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from facevlm.training import checkpoint
from facevlm.training.embedded.arrays import FaceArrays
from facevlm.training.embedded.augment import random_view
from facevlm.training.schedule import warm_cosine

log = logging.getLogger(__name__)

WIDTHS = (32, 64, 128, 256)


class Block(nn.Module):
    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.BatchNorm2d(outside), nn.ReLU(inplace=True),
            nn.Conv2d(outside, outside, 3, 1, 1, bias=False), nn.BatchNorm2d(outside),
        )  # fmt: skip
        self.skip = (
            nn.Identity()
            if inside == outside and stride == 1
            else nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.body(x) + self.skip(x))


class Teacher(nn.Module):
    """Logits over the eight emotions from (n, 1, size, size) crops in 0–1."""

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, widths[0], 5, 2, 2, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU(inplace=True)
        )
        stages = [Block(widths[0], widths[0], 1)]
        stages += [Block(a, b, 2) for a, b in pairwise(widths)]
        self.stages = nn.ModuleList(stages)
        self.deep = Block(widths[3], widths[3], 1)
        self.head = nn.Linear(widths[3], 8)

    def features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The (n, c, size/8, size/8) feature map that the tower's patches line up with, and the pooled vector."""
        x = self.stem((x - 0.45) / 0.25)
        for stage in self.stages[:3]:
            x = stage(x)
        deep = self.deep(self.stages[3](x))
        return x, deep.mean((2, 3))

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(functional.dropout(self.features(x)[1], 0.3, self.training))
        return logits


def train(faces: FaceArrays, check: FaceArrays, out: Path, *, epochs: int, seed: int, batch: int = 128) -> Teacher:
    """Train on soft votes, saving after every epoch to `out`; goes on from there if it was interrupted."""
    torch.manual_seed(seed)
    model = Teacher().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
    voted = torch.from_numpy(faces.votes.sum(1) > 0).nonzero()[:, 0]
    batch = min(batch, len(voted))
    steps = epochs * (len(voted) // batch)
    schedule = warm_cosine(optimiser, steps, warm=0.15)
    parts = {"model": model, "optimiser": optimiser, "schedule": schedule}
    for epoch in range(checkpoint.resume(out, **parts), epochs):
        generator = torch.Generator().manual_seed(seed * 1000 + epoch)
        _epoch(
            model, optimiser, schedule, faces, voted[torch.randperm(len(voted), generator=generator)], generator, batch
        )
        checkpoint.save(checkpoint.training_state(epoch + 1, **parts), out)
        log.info("teacher epoch %d/%d: accuracy %.4f on the held-out tenth", epoch + 1, epochs, accuracy(model, check))
    return model.eval()


def accuracy(model: nn.Module, faces: FaceArrays) -> float:
    """Strict-majority accuracy on unaltered crops."""
    known = torch.from_numpy(faces.majority >= 0)
    pixels = torch.from_numpy(faces.plain)[known, None].float() / 255
    model.eval()
    with torch.inference_mode():
        guesses = torch.cat([model(part).argmax(1) for part in pixels.split(256)])
    return float((guesses == torch.from_numpy(faces.majority)[known]).float().mean())


def _epoch(
    model: Teacher,
    optimiser: torch.optim.Optimizer,
    schedule: Any,
    faces: FaceArrays,
    order: Tensor,
    generator: torch.Generator,
    batch: int,
) -> None:
    model.train()
    plain, votes = torch.from_numpy(faces.plain), torch.from_numpy(faces.votes)
    for rows in order.split(batch):
        if len(rows) < batch:
            continue
        view = random_view(batch, plain.shape[-1], generator)
        pixels = view.apply(plain[rows, None].float() / 255).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(pixels)
        loss = functional.cross_entropy(logits.float(), votes[rows], label_smoothing=0.05)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
