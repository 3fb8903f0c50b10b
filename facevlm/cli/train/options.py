"""The options that the training commands share."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="A recipe, e.g. adapters/nano-base/recipe.yaml.")]
Data = Annotated[Path, typer.Option("--data", envvar="FACEVLM_DATA", help="Folder of FER+: train-*.npz and valid.npz.")]
Rig = Annotated[Path, typer.Option("--rig", envvar="FACEVLM_RIG", help="ICT-FaceKit as one archive, see the README.")]
Renders = Annotated[
    Path | None,
    typer.Option("--rig", envvar="FACEVLM_RIG", help="The same, where synthetic faces are still to be rendered."),
]
Work = Annotated[
    Path, typer.Option("--work", envvar="FACEVLM_WORK", help="Checkpoints; a run found here goes on where it was.")
]
Out = Annotated[Path, typer.Option("--out", envvar="FACEVLM_OUT", help="Folder the result is written to.")]
Workers = Annotated[
    int, typer.Option("--workers", envvar="FACEVLM_WORKERS", min=1, help="Processes that prepare faces.")
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", envvar="FACEVLM_SEED", min=0, show_default="the recipe's", help="Of all that is drawn."),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume/--fresh", envvar="FACEVLM_RESUME", help="Go on from the checkpoints in --work, or forget them."
    ),
]


def show_progress() -> None:
    """What our training logs, on stderr with the time; of the libraries' words only the warnings."""
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("facevlm").setLevel(logging.INFO)
