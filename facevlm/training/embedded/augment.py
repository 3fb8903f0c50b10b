"""Random views of face crops, made on whole batches: warps, mirror images, light, blur and erased patches."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class View:
    """One random view a face: applied alike to any picture of it."""

    grid: Tensor  # (n, size, size, 2) sampling grid
    mirrored: Tensor  # (n,) bool
    gain: Tensor  # (n, 1, 1, 1)
    bias: Tensor  # (n, 1, 1, 1)
    gamma: Tensor  # (n, 1, 1, 1)
    erase: Tensor  # (n, 1, size, size) 1 where kept

    def apply(self, pixels: Tensor) -> Tensor:
        """(n, channels, size, size) in 0–1 → the same faces in this view."""
        seen = functional.grid_sample(pixels, self.grid, padding_mode="zeros", align_corners=False)
        lit = (seen.clamp(0, 1) ** self.gamma * self.gain + self.bias).clamp(0, 1)
        return lit * self.erase


def random_view(count: int, size: int, generator: torch.Generator, strength: float = 1.0) -> View:
    """A view for each of `count` faces; `strength` 0 changes nothing but the mirror, 1 is the usual, 2 is heavy."""

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    angle, zoom = uniform(-0.2, 0.2) * strength, 1 + uniform(-0.12, 0.12) * strength
    stretch = 1 + uniform(-0.06, 0.06) * strength
    mirrored = torch.rand(count, generator=generator) < 0.5
    sign = 1 - 2 * mirrored.float()
    cos, sin = torch.cos(angle), torch.sin(angle)
    shift_x, shift_y = uniform(-0.1, 0.1) * strength, uniform(-0.1, 0.1) * strength
    top = torch.stack([cos * zoom * stretch * sign, -sin * zoom, shift_x], 1)
    bottom = torch.stack([sin * zoom * stretch * sign, cos * zoom, shift_y], 1)
    grid = functional.affine_grid(torch.stack([top, bottom], 1), [count, 1, size, size], align_corners=False)
    shape = (count, 1, 1, 1)
    return View(
        grid,
        mirrored,
        (1 + uniform(-0.35, 0.35) * strength).view(shape),
        (uniform(-0.15, 0.15) * strength).view(shape),
        torch.exp(uniform(-0.35, 0.35) * strength).view(shape),
        _erasure(count, size, generator, 0.5 if strength else 0.0),
    )


def _erasure(count: int, size: int, generator: torch.Generator, share: float) -> Tensor:
    """Half of the faces lose one rectangle of up to a third of the side."""
    low = torch.rand(count, 2, generator=generator) * size * 0.8
    high = low + (0.1 + 0.25 * torch.rand(count, 2, generator=generator)) * size
    line = torch.arange(size).float()
    rows = (line[None] >= low[:, :1]) & (line[None] < high[:, :1])
    columns = (line[None] >= low[:, 1:]) & (line[None] < high[:, 1:])
    chosen = (torch.rand(count, generator=generator) < share)[:, None, None]
    return 1 - (rows[:, :, None] & columns[:, None, :] & chosen).float()[:, None]
