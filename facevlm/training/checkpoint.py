"""Checkpoints that a run goes on from: written whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from facevlm import files


def save(state: dict[str, Any], file: Path) -> None:
    """Write a state so that an interruption leaves the one before it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with files.replaced(file) as partial:
        torch.save(state, partial)


def training_state(epoch: int, **parts: Any) -> dict[str, Any]:
    """What `resume` restores: an epoch number, and anything with a `state_dict`."""
    return {"epoch": epoch} | {name: part.state_dict() for name, part in parts.items()}


def resume(file: Path, **parts: Any) -> int:
    """Load `parts` from a checkpoint and return the number of finished epochs; 0 where there is none."""
    if not file.is_file():
        return 0
    state = torch.load(file, weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(state[name])
    return int(state["epoch"])
