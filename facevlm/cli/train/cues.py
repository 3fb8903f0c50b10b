"""`facevlm train cues`: the tables that cues are measured with."""

from __future__ import annotations

from pathlib import Path

from facevlm.cli import options
from facevlm.cli.train.options import Config, Data, Work, Workers, show_progress

EXAMPLES = options.examples("facevlm train cues facevlm/faces/cues.recipe.yaml --data ferplus")


def cues(config: Config, data: Data, work: Work = Path("runs/nano"), workers: Workers = 2) -> None:
    """Fit the mean face and what a resting face measures; rewrites the tables in facevlm/faces."""
    from facevlm.training.measurement import resting as training

    show_progress()
    training.run(config, data, work, workers)
