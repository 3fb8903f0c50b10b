"""`facevlm train base`: the embedded base model from nothing."""

from __future__ import annotations

from pathlib import Path

from facevlm.cli import options
from facevlm.cli.train.options import Config, Data, Out, Renders, Work, Workers, show_progress

EXAMPLES = options.examples(
    "facevlm train base adapters/nano-base/recipe.yaml --data ferplus --rig ict_facekit.npz --out my-base"
)


def base(
    config: Config,
    data: Data,
    out: Out,
    rig: Renders = None,
    work: Work = Path("runs/nano"),
    workers: Workers = 2,
) -> None:
    """Train the base model from nothing: a CNN, the vision tower it teaches, then the whole."""
    from facevlm.training.embedded import base as training

    show_progress()
    training.run(config, data, rig, work, out, workers)
