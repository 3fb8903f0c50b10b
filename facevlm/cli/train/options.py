"""The options that the training commands share."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from facevlm.cli import options

Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="A recipe, as in the examples below.")]
Data = Annotated[Path, options.option("--data", "Folder of FER+: train-*.npz and valid.npz.")]
Rig = Annotated[Path, options.option("--rig", "ICT-FaceKit as one archive, see the README.")]
Renders = Annotated[
    Path | None,
    options.option(
        "--rig", "ICT-FaceKit as one archive, see the README; needed where synthetic faces are still to be rendered."
    ),
]
Work = Annotated[Path, options.option("--work", "Checkpoints; a run found here goes on where it was.")]
Out = Annotated[Path, options.option("--out", "Folder the result is written to.")]
Model = Annotated[
    str | None,
    options.option("--model -m", "Base: a folder, or the id of a model downloaded here.", show_default="the recipe's"),
]
Workers = Annotated[int, options.option("--workers", "Processes that prepare faces.", min=1)]
Seed = Annotated[
    int | None,
    options.option("--seed", "Of all that is drawn.", min=0, show_default="the recipe's"),
]
Resume = Annotated[
    bool,
    options.option("--resume/--fresh", "Go on from the checkpoints in --work, or forget them."),
]


def show_progress() -> None:
    """What our training logs, on stderr with the time; of the libraries' words only the warnings."""
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("facevlm").setLevel(logging.INFO)
