"""`facevlm data synth`: faces whose action units are known, rendered from a face model."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import Annotated

import typer

from facevlm.cli import options, printing
from facevlm.cli.ending import say

EXAMPLES = options.examples(
    "facevlm data synth faces --rig ict_facekit.npz",
    "facevlm data synth groups --recipe groups --count 100 --rig ict_facekit.npz --workers 4",
    "facevlm data synth mine --recipe mine.yaml --seed 7 --rig ict_facekit.npz",
)


def synth(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the data set; a run cut short goes on there.")],
    rig: Annotated[Path, options.option("--rig", "ICT-FaceKit as one archive, see the README.")],
    recipe: Annotated[
        str, options.option("--recipe", "faces, groups, sides, explain, synthetic-aus, or a YAML file of your own.")
    ] = "faces",
    count: Annotated[
        int | None,
        options.option("--count -n", "Pictures; else as the recipe says.", min=1),
    ] = None,
    seed: Annotated[int | None, options.option("--seed", "Else as the recipe says.", min=0)] = None,
    workers: Annotated[int, options.option("--workers", "Processes.", min=1)] = 2,
) -> None:
    """Render faces with known action units, tell the truth of each as JSON lines, and print the file of it.

    OUT gets images/, samples.jsonl, recipe.json and sheet.jpg. The same recipe and seed give the same data set.
    """
    from facevlm.data.synth import produce
    from facevlm.data.synth.recipe import read

    chosen = read(recipe, count=count, seed=seed)
    began = monotonic()
    with printing.progress(chosen.count, "Rendering") as tick:
        done = produce.produce(chosen, rig, out, workers, tick)
    again = f" ({done.kept} were there)" if done.kept else ""
    rate = f", {done.made / (monotonic() - began):.0f} pictures/s"
    say(f"{out}: {done.kept + done.made} pictures{again}, {done.faces} faces{rate}; look at {out / produce.SHEET}")
    typer.echo(out / produce.SAMPLES)
