"""The learning rate over a run: up in a straight line, down along a cosine."""

from __future__ import annotations

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


def warm_cosine(optimiser: Optimizer, steps: int, warm: float = 0.08) -> LambdaLR:
    """From near 0 to each group's rate in the first `warm` of the steps, then down to 0."""
    rising = max(round(steps * warm), 1)

    def share(step: int) -> float:
        if step < rising:
            return (step + 1) / rising
        return 0.5 * (1 + math.cos(math.pi * min((step - rising) / max(steps - rising, 1), 1.0)))

    return LambdaLR(optimiser, share)
