"""A small residual CNN that sees small pictures of faces at full detail, under the name by which open_clip finds it.

Networks made for photographs halve a picture four or five times before they look closely; on 64 pixels nothing of a
mouth is then left. Importing this module makes the name known to timm, through which open_clip builds its towers.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from timm.models import register_model
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (32, 64, 128, 256)


class Block(nn.Module):
    """Two convolutions around which the picture is carried past (He et al. 2016)."""

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


class Trunk(nn.Module):
    """Its layers; what is made of them is for others to say."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, WIDTHS[0], 5, 2, 2, bias=False), nn.BatchNorm2d(WIDTHS[0]), nn.ReLU(inplace=True)
        )
        stages = [Block(WIDTHS[0], WIDTHS[0], 1)]
        stages += [Block(a, b, 2) for a, b in pairwise(WIDTHS)]
        self.stages = nn.ModuleList(stages)
        self.deep = Block(WIDTHS[-1], WIDTHS[-1], 1)

    def maps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The (n, 128, size/8, size/8) feature map before the last stage, and the pooled vector."""
        x = self.stem(x)
        for stage in self.stages[:3]:
            x = stage(x)
        deep = self.deep(self.stages[3](x))
        return x, deep.mean((2, 3))


class Tower(Trunk):
    """(n, 3, size, size) → (n, 256), as open_clip takes an image tower from timm."""

    def __init__(self) -> None:
        super().__init__()
        self.num_features = WIDTHS[-1]
        self.default_cfg: dict[str, Any] = {"pool_size": (4, 4)}

    def forward(self, x: Tensor) -> Tensor:
        return self.maps(x)[1]

    def reset_classifier(self, classes: int, global_pool: str = "avg") -> None:
        """It has no classifier; open_clip asks every trunk to drop its own."""


@register_model
def facevlm_cnn(pretrained: bool = False, **_: Any) -> Tower:
    """The tower, of chance weights, as timm makes it."""
    return Tower()
