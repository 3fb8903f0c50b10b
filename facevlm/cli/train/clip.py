"""`facevlm train clip`: the embedded matcher from nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from facevlm.cli import options
from facevlm.cli.train.options import Config, Data, Out, Renders, Work, Workers, show_progress
from facevlm.errors import InputError

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
        str | None, options.option("--without", "Leave its faces and its words out.", metavar="EMOTION")
    ] = None,
    labels: Annotated[
        bool,
        options.option(
            "--labels/--no-labels", "Learn from votes too, or from action units alone.", variable="FACEVLM_VOTES"
        ),
    ] = True,
) -> None:
    """Train the matcher from nothing: faces and captions of what they show, contrastively."""
    from facevlm.types import EMOTIONS

    if without is not None and without not in EMOTIONS:
        raise InputError(f"--without {without}: not an emotion; use one of {', '.join(EMOTIONS)}")
    from facevlm.training.matcher import clip as training

    show_progress()
    training.run(config, data, rig, work, out, workers, without=without, labels=labels)
