"""`facevlm train`: make the embedded model again, from the data and the recipe given."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from facevlm.cli import options

app = typer.Typer(no_args_is_help=True, help="Train the embedded model, its adapter or the action-unit measurement.")

Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="A recipe, e.g. adapters/nano-base/recipe.yaml.")]
Data = Annotated[Path, typer.Option("--data", envvar="FACEVLM_DATA", help="Folder of FER+: train-*.npz and valid.npz.")]
Rig = Annotated[Path, typer.Option("--rig", envvar="FACEVLM_RIG", help="ICT-FaceKit as one archive, see the README.")]
Work = Annotated[
    Path, typer.Option("--work", envvar="FACEVLM_WORK", help="Checkpoints; a run found here goes on where it was.")
]
Out = Annotated[Path, typer.Option("--out", envvar="FACEVLM_OUT", help="Folder the result is written to.")]
Workers = Annotated[
    int, typer.Option("--workers", envvar="FACEVLM_WORKERS", min=1, help="Processes that prepare faces.")
]


@app.command(epilog=options.examples("facevlm train base adapters/nano-base/recipe.yaml --data ferplus --out my-base"))
def base(config: Config, data: Data, out: Out, work: Work = Path("runs/nano"), workers: Workers = 2) -> None:
    """Train the base model from nothing: a CNN, the vision tower it teaches, then the whole."""
    from facevlm.training import base as training

    _show_progress()
    training.run(config, data, work, out, workers)


@app.command(epilog=options.examples("facevlm train sft adapters/nano-facs/recipe.yaml --data ferplus --out my-facs"))
def sft(config: Config, data: Data, out: Out, work: Work = Path("runs/nano"), workers: Workers = 2) -> None:
    """Train the adapter that explains, by supervised tuning."""
    from facevlm.training import sft as training

    _show_progress()
    training.run(config, data, work, out, workers)


@app.command(epilog=options.examples("facevlm train cues facevlm/faces/cues.recipe.yaml --data ferplus"))
def cues(config: Config, data: Data, work: Work = Path("runs/nano"), workers: Workers = 2) -> None:
    """Fit the mean face and what a resting face measures; rewrites the tables in facevlm/faces."""
    from facevlm.training import resting as training

    _show_progress()
    training.run(config, data, work, workers)


@app.command(
    epilog=options.examples(
        "facevlm train au facevlm/faces/action_units.recipe.yaml --rig ict_facekit.npz --data ferplus"
    )
)
def au(config: Config, rig: Rig, data: Data, work: Work = Path("runs/au"), workers: Workers = 2) -> None:
    """Fit the measurement of action units on synthetic faces; rewrites the tables in facevlm/faces."""
    from facevlm.cli import printing
    from facevlm.training import au as training

    _show_progress()
    printing.reliability(training.run(config, rig, data, work, workers))


def _show_progress() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
