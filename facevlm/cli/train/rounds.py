"""`facevlm train rounds`: the tuned model annotates pictures and learns from what holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facevlm.cli import options, printing
from facevlm.cli.ending import say
from facevlm.cli.train.options import Out, show_progress
from facevlm.errors import InputError

if TYPE_CHECKING:
    from facevlm.training.tuning.rounds import Rounds

EXAMPLES = options.examples(
    "facevlm train rounds rounds.yaml photos --out rounds --model my-base --adapter my-adapter",
    "facevlm train rounds rounds.yaml pictures.jsonl --out rounds --annotate-only "
    "--model qwen3-vl --base-url http://localhost:8001/v1",
)


def rounds(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="A recipe of rounds, see docs/training.md.")],
    pictures: Annotated[Path, typer.Argument(metavar="PICTURES", help="A folder, or JSON lines with «image».")],
    out: Out,
    model: options.ModelOption = "nano",
    adapter: options.AdapterOption = None,
    base_url: options.BaseUrlOption = None,
    api_key_env: options.ApiKeyOption = "OPENAI_API_KEY",
    annotate_only: Annotated[
        bool,
        options.option("--annotate-only", "One round, and leave it at its rows."),
    ] = False,
    timeout: options.TimeoutOption = 120.0,
) -> None:
    """Explain unlabelled pictures, keep the answers that hold, and tune on them; a report per round.

    Writes OUT/round-1/ and so on: annotations, the rows `train sft` reads, report.md, report.json and the adapter; the
    reports go to stdout. An interrupted run is run again and goes on after the last picture.
    """
    from facevlm import models
    from facevlm.training.tuning import round_files, round_report
    from facevlm.training.tuning import rounds as training

    show_progress()
    recipe = training.read_rounds(config)
    if not annotate_only:
        _check_tunable(recipe, config, base_url)
    root, listed = round_files.listed(pictures)
    for number in range(1, 2 if annotate_only else recipe.rounds + 1):
        folder = out / f"round-{number}"
        asked = models.load(model, adapter, base_url, api_key_env, timeout)
        with printing.progress(len(listed), f"Round {number}") as tick:
            told = training.annotated(recipe, asked, listed, root, folder, number, tick)
        typer.echo(round_report.markdown(told))
        say(f"{folder}: {told.kept} of {told.faces} faces kept, {told.rows} rows written")
        if not annotate_only:
            adapter = str(training.tuned(recipe, told, folder, model, adapter))


def _check_tunable(recipe: Rounds, config: Path, base_url: str | None) -> None:
    if base_url is not None:
        raise InputError("--base-url: a model behind an endpoint cannot be tuned from here; give --annotate-only")
    if recipe.tuning is None:
        raise InputError(f"{config}: tuning: names no recipe of `facevlm train sft`; give one, or --annotate-only")
