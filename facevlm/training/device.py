"""Where small models are trained: on the GPU if there is one, else on the CPU."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import nn

WORTH = 1000  # steps; to compile takes as long as a hundred or two


@cache
def device() -> torch.device:
    """The one device of a run."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def compiled(model: nn.Module, steps: int) -> Callable[..., Any]:
    """The model, faster by a fifth where a C++ compiler fuses its small operations and so many steps are worth that."""
    return torch.compile(model) if shutil.which("g++") and steps >= WORTH else model


def compile_in_place(model: nn.Module, steps: int) -> None:
    """As `compiled`, for a part of a model that is given batches of many lengths: twice as fast."""
    if shutil.which("g++") and steps >= WORTH:
        model.compile(dynamic=True)


def half() -> torch.autocast:
    """Arithmetic in bfloat16 where that is safe."""
    return torch.autocast(device().type, torch.bfloat16)
