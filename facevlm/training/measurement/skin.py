"""What the skin shows, learned: a small convolutional network for each patch, fitted beside the mesh on renders.

A patch is shown otherwise every time: coarser, lighter or darker, with more noise, a little out of place. So are those
of photographs, whose landmarks err. What the networks say of a patch is what the regressor goes on with; what action
units they make of it themselves has served its purpose once they are fitted.
"""

from __future__ import annotations

import logging
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from facevlm.faces.appearance import PATCHES, SIDE
from facevlm.faces.regressor import FLAT, Layers
from facevlm.training import checkpoint, recipe
from facevlm.training.device import device, half
from facevlm.training.measurement.networks import Units
from facevlm.training.schedule import warm_cosine

log = logging.getLogger(__name__)

WIDTHS = (1, 16, 32, 48, 64)  # channels before and after each convolution, every one of which halves the side
LAST = SIDE >> (len(WIDTHS) - 1)  # pixels to a side that remain
# What a network that was fitted before is of: with another of these it is fitted anew.
SETTINGS = ("renders", "brow", "shape", "skin", "skin_epochs", "hidden", "dropout", "rate", "batch", "seed")
COARSE, COARSEST = 0.5, 5  # share of faces shown with fewer pixels, and by how many times fewer to a side at most
CONTRAST, NOISE, TURN, ZOOM, SHIFT = 0.3, 8.0, 0.06, 0.06, 0.05  # standard deviations; the most noise, in grey levels


class Skin(nn.Module):
    """From the patches of one half of a face, (n, p, SIDE, SIDE) in grey levels, to (n, p · k) features."""

    def __init__(self, told: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList(_part(told) for _ in PATCHES)

    def forward(self, patches: Tensor) -> Tensor:
        deviation, mean = torch.std_mean(patches, (2, 3), keepdim=True, correction=0)
        even = ((patches - mean) / (deviation + FLAT)).contiguous(memory_format=torch.contiguous_format)
        return torch.cat([part(even[:, number, None]) for number, part in enumerate(self.parts)], 1)

    def layers(self) -> Layers:
        """The same for numpy: weights (p, in, out) and biases (p, 1, out), normalisation folded in."""
        folded = [_folded(part) for part in self.parts]
        return tuple(
            (np.stack([weight for weight, _ in layer]), np.stack([bias for _, bias in layer])[:, None])
            for layer in zip(*folded, strict=True)
        )


class _Seeing(nn.Module):
    """The skin's networks, and what tells action units from their features and the mesh."""

    def __init__(self, sizes: tuple[int, int, int], chosen: recipe.ActionUnits) -> None:
        super().__init__()
        self.skin = Skin(chosen.skin)
        self.units = Units(sizes, chosen)

    def forward(self, mesh: Tensor, patches: Tensor) -> Tensor:
        with half():
            shown = self.skin(patches)
        told: Tensor = self.units(torch.cat([mesh[:, :-3], shown.float(), mesh[:, -3:]], 1))
        return told


def fit(
    patches: NDArray[np.uint8],
    mesh: NDArray[np.float32],
    truth: NDArray[np.float32],
    sizes: tuple[int, int, int],
    chosen: recipe.ActionUnits,
    file: Path,
) -> Layers:
    """Networks fitted on both halves of n faces; saves after every epoch to `file`, and goes on from there.

    Args:
        patches: (n, 2, p, SIDE, SIDE) of `appearance`.
        mesh: (n, 2, f) what else is seen of them: the mesh's components, then the pose.
        truth: (n, 2, 24) true intensities, left and right.
        sizes: how many components of the brows and of the shape there are, and features of a patch.
        chosen: the recipe.
    """
    torch.manual_seed(chosen.seed)
    network = _Seeing(sizes, chosen).to(device())
    optimiser = torch.optim.AdamW(network.parameters(), chosen.rate, weight_decay=0.05)
    flat = patches.reshape(-1, *patches.shape[2:])
    meshes, wanted = (torch.from_numpy(part.reshape(len(flat), -1)) for part in (mesh, truth))
    batch = min(chosen.batch, len(flat))
    steps = len(flat) // batch
    schedule = warm_cosine(optimiser, steps * chosen.skin_epochs)
    parts = {"network": network, "optimiser": optimiser, "schedule": schedule}
    for epoch in range(checkpoint.resume(file, **parts), chosen.skin_epochs):
        torch.manual_seed(chosen.seed * 1000 + epoch)
        network.train()
        total = 0.0
        for rows in torch.randperm(len(flat))[: steps * batch].split(batch):
            shown = torch.from_numpy(flat[rows.numpy()]).to(device())
            told = network(meshes[rows].to(device()), seen_otherwise(shown))
            loss = nn.functional.mse_loss(told, wanted[rows].to(device()))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        checkpoint.save(checkpoint.training_state(epoch + 1, **parts), file)
        log.info("skin, epoch %d of %d: squared error %.4f", epoch + 1, chosen.skin_epochs, total / steps)
    return network.eval().cpu().skin.layers()


def seen_otherwise(patches: Tensor) -> Tensor:
    """Patches (n, p, SIDE, SIDE) as another picture of the same faces might show them, as float grey levels."""
    count, kinds = patches.shape[:2]
    shown = patches.float()
    coarse = torch.rand(count) < COARSE
    if coarse.any():
        few = functional.avg_pool2d(shown[coarse], int(torch.randint(2, COARSEST + 1, ())))
        shown[coarse] = functional.interpolate(few, size=(SIDE, SIDE), mode="bilinear")
    one_each = (count, 1, 1, 1)
    gamma = torch.exp(CONTRAST * torch.randn(one_each, device=shown.device))
    shown = 255 * (shown / 255).clamp(0, 1) ** gamma
    shown = shown + NOISE * torch.rand(one_each, device=shown.device) * torch.randn_like(shown)
    angle, zoom = TURN * torch.randn(count * kinds), 1 + ZOOM * torch.randn(count * kinds)
    cos, sin = zoom * angle.cos(), zoom * angle.sin()
    x, y = SHIFT * torch.randn(2, count * kinds)
    moved = torch.stack([torch.stack([cos, -sin, x], 1), torch.stack([sin, cos, y], 1)], 1).to(shown.device)
    single = shown.view(count * kinds, 1, SIDE, SIDE)
    grid = functional.affine_grid(moved, list(single.shape), align_corners=False)
    return functional.grid_sample(single, grid, padding_mode="border", align_corners=False).view(shown.shape)


def _part(told: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in pairwise(WIDTHS):
        convolution = nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False)
        layers += [convolution, nn.BatchNorm2d(after), nn.ReLU()]
    linear = nn.Linear(WIDTHS[-1] * LAST**2, told, bias=False)
    part = nn.Sequential(*layers, nn.Flatten(), linear, nn.BatchNorm1d(told), nn.ReLU())
    return part.to(memory_format=torch.channels_last)


def _folded(part: nn.Module) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Of each layer of one patch's network its weight (in, out) and bias (out,)."""
    layers = [layer for layer in part.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
    norms = [layer for layer in part.modules() if isinstance(layer, (nn.BatchNorm2d, nn.BatchNorm1d))]
    folded = []
    for layer, norm in zip(layers, norms, strict=True):
        assert norm.running_mean is not None and norm.running_var is not None
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        side = LAST if isinstance(layer, nn.Linear) else 3
        kernel = layer.weight.view(len(scale), -1, side, side).permute(2, 3, 1, 0) * scale
        bias = norm.bias - norm.running_mean * scale
        folded.append((kernel.flatten(0, 2).detach().numpy(), bias.detach().numpy()))
    return folded
