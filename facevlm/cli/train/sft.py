"""`facevlm train sft`: an adapter that explains, by supervised tuning of the embedded model or of any other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from facevlm.cli import options
from facevlm.cli.ending import say
from facevlm.cli.train.options import Model, Out, Renders, Resume, Seed, Workers, show_progress
from facevlm.errors import InputError

if TYPE_CHECKING:
    from facevlm.data.sample import Rejected

EXAMPLES = options.examples(
    "facevlm train sft qwen2.5-vl-7b --data sft/train.jsonl --out my-adapter",
    "facevlm train sft qwen3-vl-4b --model models/Qwen3-VL-4B-Instruct --data sft/train.jsonl --out my-adapter",
    "accelerate launch -m facevlm train sft mine.yaml --out my-adapter            # on all GPUs of this machine",
    "facevlm train sft adapters/nano-facs/recipe.yaml --data ferplus --rig ict_facekit.npz --out my-facs",
)
_SHOWN = 20  # rejected rows that are named; the others are counted


Named = Annotated[
    str,
    typer.Argument(
        metavar="CONFIG",
        help="qwen2.5-vl-3b, qwen2.5-vl-7b, qwen3-vl-4b, qwen3-vl-8b, smolvlm-500m, or a recipe of your own; one "
        "with the section «language» tunes the embedded model.",
    ),
]
Data = Annotated[
    Path | None,
    options.option(
        "--data",
        "Rows as `facevlm data convert --to trl` writes them; for the embedded model the folder of FER+.",
        show_default="the recipe's",
    ),
]
Start = Annotated[Path | None, options.option("--start", "Adapter to go on from instead of a fresh one.")]
Work = Annotated[
    Path | None,
    options.option(
        "--work",
        "Checkpoints; a run found here goes on where it was.",
        show_default="runs/ and the recipe's name",
    ),
]


def sft(
    config: Named,
    out: Out,
    data: Data = None,
    model: Model = None,
    start: Start = None,
    rig: Renders = None,
    work: Work = None,
    seed: Seed = None,
    workers: Workers = 2,
    resume: Resume = True,
) -> None:
    """Train an adapter that explains, by supervised tuning with loss on the answers alone, and print its folder.

    OUT gets the adapter, recipe.yaml, run.json with the facts of the run, and, but for the embedded model, the curves
    as JSON lines and a picture.
    """
    from facevlm.training.tuning import recipe

    show_progress()
    file = recipe.located(config)
    if "language" in recipe.content(file):
        foreign = {"--model": model, "--start": start, "--fresh": not resume}
        _embedded(file, data, rig, work, out, workers, seed, foreign)
        return
    given = recipe.read(file, recipe.Supervised, data=data, model=model, start=start, seed=seed)

    from facevlm.training.tuning import supervised

    outcome = supervised.run(given, out, work or Path("runs") / file.stem, fresh=not resume)
    if supervised.leads():
        _tell(outcome.rejected, outcome.facts)
        typer.echo(outcome.out)


def _embedded(
    file: Path,
    data: Path | None,
    rig: Path | None,
    work: Path | None,
    out: Path,
    workers: int,
    seed: int | None,
    foreign: dict[str, Any],
) -> None:
    for option in (name for name, value in foreign.items() if value):
        raise InputError(f"{option}: the recipe of the embedded model, {file}, takes none; leave it out")
    if data is None:
        raise InputError(f"{file}: tunes the embedded model on FER+; give its folder with --data")

    from facevlm.training.embedded import adapter

    adapter.run(file, data, rig, work or Path("runs/nano"), out, workers, seed)


def _tell(rejected: Sequence[Rejected], facts: dict[str, Any]) -> None:
    for row in rejected[:_SHOWN]:
        say(row)
    left_out = f", {len(rejected):,} left out" if rejected else ""
    rows, losses = facts["rows"], facts["losses"]
    looked_at = f", {facts['looked_at']:,} of them looked at" if facts["looked_at"] < rows["held_out"] else ""
    say(f"rows: {rows['trained']:,} trained on, {rows['held_out']:,} held out{looked_at}{left_out}")
    valid = f", {losses['eval_valid']:.0%} of the answers valid" if "eval_valid" in losses else ""
    held_out = f", on rows held out {losses['eval_loss']:.3f}" if "eval_loss" in losses else ""
    say(f"{facts['steps']} steps: loss {losses['first']:.3f} → {losses['loss']:.3f}{held_out}{valid}")
