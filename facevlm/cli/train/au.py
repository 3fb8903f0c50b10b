"""`facevlm train au`: the measurement of action units."""

from __future__ import annotations

from pathlib import Path

from facevlm.cli import options
from facevlm.cli.train.options import Config, Data, Rig, Work, Workers, show_progress

EXAMPLES = options.examples(
    "facevlm train au facevlm/faces/action_units.recipe.yaml --rig ict_facekit.npz --data ferplus"
)


def au(config: Config, rig: Rig, data: Data, work: Work = Path("runs/au"), workers: Workers = 2) -> None:
    """Fit the measurement of action units on synthetic faces; rewrites the package's networks and tables."""
    from facevlm.cli import printing
    from facevlm.training.measurement import au as training

    show_progress()
    printing.reliability(training.run(config, rig, data, work, workers))
