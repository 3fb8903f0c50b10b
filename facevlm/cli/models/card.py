"""`facevlm models card`: the model card of a trained folder, from what its run and its evaluations left."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facevlm.cli import options
from facevlm.cli.ending import say

EXAMPLES = options.examples(
    "facevlm models card my-facs",
    "facevlm models card adapters/nano-facs --metrics reports/metrics.json",
)


def card(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="An adapter or a base model; gets its README.md.")],
    metrics: Annotated[
        list[Path] | None,
        options.option(
            "--metrics", "Figures of an evaluation; may be given several times.", show_default="FOLDER/metrics.json"
        ),
    ] = None,
    notes: Annotated[
        Path | None,
        options.option(
            "--notes",
            "What people write of it: purpose, data and their licences, limits.",
            show_default="FOLDER/card.yaml",
        ),
    ] = None,
) -> None:
    """Write the model card of an adapter or a base: data, seed, recipe, figures, limits, licences.

    What no file tells is named in the card as not recorded.
    """
    from facevlm.training import card as writing
    from facevlm.training.facts import gather

    facts = gather(folder, metrics or [], notes)
    for missing in facts.missing:
        say(f"{folder}: not recorded: {missing}")
    typer.echo(writing.write(folder, facts))
