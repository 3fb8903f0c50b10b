"""The vision tower of the embedded model, taught by the CNN: its feature map patch by patch, its logits, and the cues.

It learns the action units themselves beside them.

The tower is an `Idefics3VisionTransformer` whose 8 × 8 patches line up with the CNN's 8 × 8 feature map (knowledge
distillation after Hinton et al. 2015, with features after Romero et al., FitNets, 2015).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from facevlm.faces.cues import cue_table, mirrored
from facevlm.matching.tower import WIDTHS
from facevlm.training import checkpoint
from facevlm.training.device import compiled, device, half
from facevlm.training.embedded.arrays import FaceArrays
from facevlm.training.embedded.augment import View, random_view
from facevlm.training.embedded.teacher import (
    UNITS,
    UNITS_SHARE,
    Teacher,
    in_view,
    unit_targets,
    units_loss,
    votes_loss,
)  # fmt: skip
from facevlm.training.schedule import warm_cosine

log = logging.getLogger(__name__)

MARKED_SHARE = 0.8  # of the faces a tower sees, with marks; the rest plain
CUE_LIMIT = 5.0  # standard deviations
TEMPERATURE = 2.0
STRENGTH = 0.6  # of augmentation: the teacher has seen more, and the pupil learns from it, not from the votes alone


def mirror_order() -> Tensor:
    """For each cue the index of its mirror image's, (cues,) int64."""
    names = [cue.name for cue in cue_table()]
    return torch.tensor([names.index(next(iter(mirrored({name: 0.0})))) for name in names])


class Pupil(nn.Module):
    """The tower and the heads it is taught through."""

    def __init__(self, tower: nn.Module, width: int) -> None:
        super().__init__()
        self.tower = tower
        self.to_features = nn.Linear(width, WIDTHS[2])
        self.to_logits = nn.Linear(width, 8)
        self.to_cues = nn.Linear(width, len(cue_table()))
        self.to_units = nn.Linear(width, UNITS)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Features (n, patches, c), logits of emotions (n, 8), cues (n, cues) and logits of action units (n, 48) of
        (n, 3, size, size) pixels in −1…1.
        """
        hidden = self.tower(pixel_values=pixels).last_hidden_state
        pooled = hidden.mean(1)
        return self.to_features(hidden), self.to_logits(pooled), self.to_cues(pooled), self.to_units(pooled)


Learner = Callable[[Tensor], tuple[Tensor, Tensor, Tensor, Tensor]]  # a pupil, compiled or not


@dataclass(frozen=True)
class Targets:
    features: Tensor  # (n, patches, c), each channel with mean 0 and variance 1
    logits: Tensor
    cues: Tensor
    units: Tensor  # (n, 24, 2)
    votes: Tensor


def train(
    tower: nn.Module, width: int, teacher: Teacher, faces: FaceArrays, check: FaceArrays, out: Path,
    *, epochs: int, seed: int, batch: int = 64, rate: float = 8e-4,
) -> nn.Module:  # fmt: skip
    """Teach `tower`, saving after every epoch to `out`; goes on from there if it was interrupted."""
    torch.manual_seed(seed)
    pupil, batch = Pupil(tower, width).to(device()), min(batch, len(faces))
    optimiser = torch.optim.AdamW(pupil.parameters(), lr=rate, weight_decay=0.05, betas=(0.9, 0.98))
    steps = epochs * (len(faces) // batch)
    schedule = warm_cosine(optimiser, steps)
    parts = {"model": pupil, "optimiser": optimiser, "schedule": schedule}
    units, learner = unit_targets(faces), compiled(pupil, steps)
    for epoch in range(checkpoint.resume(out, **parts), epochs):
        generator = torch.Generator().manual_seed(seed * 1000 + epoch)
        pupil.train()
        for rows in torch.randperm(len(faces), generator=generator).split(batch):
            if len(rows) == batch:
                _step(learner, optimiser, *_batch(faces, units, rows, teacher, generator))
                schedule.step()
        checkpoint.save(checkpoint.training_state(epoch + 1, **parts), out)
        log.info("tower epoch %d/%d: accuracy %.4f on the held-out tenth", epoch + 1, epochs, accuracy(pupil, check))
    return pupil.tower.eval()


def accuracy(pupil: Pupil, faces: FaceArrays) -> float:
    """Strict-majority accuracy of the tower's own emotion head on unaltered marked crops."""
    known = torch.from_numpy(faces.majority >= 0)
    pixels = torch.from_numpy(faces.marked)[known]
    pupil.eval()
    with torch.inference_mode():
        guesses = torch.cat([pupil(to_pixels(part).to(device()))[1].argmax(1).cpu() for part in pixels.split(256)])
    return float((guesses == torch.from_numpy(faces.majority)[known]).float().mean())


def to_pixels(marked: Tensor) -> Tensor:
    """(n, size, size, 3) uint8 → what the image processor makes of it, (n, 3, size, size) in −1…1."""
    return marked.permute(0, 3, 1, 2).float() / 127.5 - 1


def seen(faces: FaceArrays, rows: Tensor, view: View, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The tower's pixels in −1…1 and the grey crops in 0–1 of some faces, in the same view."""
    plain = torch.from_numpy(faces.plain)[rows, None].float() / 255
    marked = torch.from_numpy(faces.marked)[rows].permute(0, 3, 1, 2).float() / 255
    chosen = torch.rand(len(rows), 1, 1, 1, generator=generator) < MARKED_SHARE
    shown = view.apply(torch.where(chosen, marked, plain.expand(-1, 3, -1, -1)))
    return shown * 2 - 1, view.apply(plain)


def viewed_cues(faces: FaceArrays, rows: Tensor, view: View) -> Tensor:
    """The cues as they are in that view: a mirrored face has its sides swapped."""
    cues = torch.from_numpy(faces.cues)[rows].clamp(-CUE_LIMIT, CUE_LIMIT)
    return torch.where(view.mirrored[:, None], cues[:, mirror_order()], cues)


def _batch(
    faces: FaceArrays, units: Tensor, rows: Tensor, teacher: Teacher, generator: torch.Generator
) -> tuple[Tensor, Targets]:
    view = random_view(len(rows), faces.plain.shape[1], generator, STRENGTH)
    pixels, grey = seen(faces, rows, view, generator)
    with torch.inference_mode(), half():
        features, pooled = teacher.features(grey.to(device(), memory_format=torch.channels_last))
        logits = teacher.head(pooled)
    flat = features.float().flatten(2).transpose(1, 2)
    normal = (flat - flat.mean((0, 1))) / (flat.std((0, 1)) + 1e-3)
    told = (viewed_cues(faces, rows, view), in_view(units[rows], view), torch.from_numpy(faces.votes)[rows])
    cues, moves, votes = (each.to(device()) for each in told)
    return pixels.to(device()), Targets(normal.clone(), logits.float().clone(), cues, moves, votes)


def _step(learner: Learner, optimiser: torch.optim.Optimizer, pixels: Tensor, targets: Targets) -> None:
    with half():
        features, logits, cues, units = learner(pixels)
    loss = _loss(features.float(), logits.float(), cues.float(), units.float(), targets)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_([weight for group in optimiser.param_groups for weight in group["params"]], 1.0)
    optimiser.step()


def _loss(features: Tensor, logits: Tensor, cues: Tensor, units: Tensor, targets: Targets) -> Tensor:
    taught = functional.kl_div(
        functional.log_softmax(logits / TEMPERATURE, 1), functional.log_softmax(targets.logits / TEMPERATURE, 1),
        log_target=True, reduction="batchmean",
    ) * TEMPERATURE**2  # fmt: skip
    shape = functional.smooth_l1_loss(cues, targets.cues)
    told = taught + 0.5 * votes_loss(logits, targets.votes) + UNITS_SHARE * units_loss(units, targets.units)
    return told + functional.mse_loss(features, targets.features) + 0.5 * shape
