"""`facevlm train sft`: an adapter that explains, by supervised tuning."""

from __future__ import annotations

from pathlib import Path

from facevlm.cli import options
from facevlm.cli.train.options import Config, Data, Out, Work, Workers, show_progress

EXAMPLES = options.examples("facevlm train sft adapters/nano-facs/recipe.yaml --data ferplus --out my-facs")


def sft(config: Config, data: Data, out: Out, work: Work = Path("runs/nano"), workers: Workers = 2) -> None:
    """Train the adapter that explains, by supervised tuning."""
    from facevlm.training.embedded import adapter as training

    show_progress()
    training.run(config, data, work, out, workers)
