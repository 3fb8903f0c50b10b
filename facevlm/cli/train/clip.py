"""`facevlm train clip`: the embedded matcher from nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facevlm.cli import options
from facevlm.cli.train.options import Config, Data, Out, Renders, Work, Workers, show_progress
from facevlm.errors import InputError
from facevlm.types import EMOTIONS

EXAMPLES = options.examples(
    "facevlm train clip adapters/nano-clip/recipe.yaml --data ferplus --rig ict_facekit.npz --out my-clip",
    "facevlm train clip adapters/nano-clip/recipe.yaml --data ferplus --out blind --without happiness",
)


def clip(
    config: Config,
    data: Data,
    out: Out,
    rig: Renders = None,
    work: Work = Path("runs/nano"),
    workers: Workers = 2,
    without: Annotated[
        str | None,
        typer.Option("--without", metavar="EMOTION", help="Leave its faces and its words out."),
    ] = None,
    labels: Annotated[
        bool,
        typer.Option("--labels/--no-labels", help="Learn from votes too, or from action units alone."),
    ] = True,
) -> None:
    """Train the matcher from nothing: faces and captions of what they show, contrastively."""
    if without is not None and without not in EMOTIONS:
        raise InputError(f"--without {without}: not an emotion; use one of {', '.join(EMOTIONS)}")
    from facevlm.training.matcher import clip as training

    show_progress()
    training.run(config, data, rig, work, out, workers, without=without, labels=labels)
