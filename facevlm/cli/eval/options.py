"""The options that the commands of `facevlm eval` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from facevlm.cli.options import Variant, option

SuiteName = Annotated[str, typer.Argument(metavar="SUITE", help="A name of `facevlm eval list`, or a YAML file.")]
Out = Annotated[Path, option("--out -o", "Folder of the run; one cut short goes on there.")]
Data = Annotated[
    Path | None,
    option("--data", "The data set: its folder, samples of `facevlm data`, or JSON lines or a CSV table of your own."),
]
Reader = Annotated[str | None, option("--from", "What DATA is.", show_default="the first of the suite's that fits")]
Split = Annotated[str | None, option("--split", "The split asked.", show_default="the suite's")]
Rig = Annotated[Path | None, option("--rig", "Face model of `facevlm data rig`, to render what a suite needs.")]
Prompt = Annotated[str | None, option("--prompt", "Prompt name.", show_default="the suite's")]
Marks = Annotated[Variant | None, option("--marks", "What is drawn on faces.", show_default="the suite's")]
Limit = Annotated[int | None, option("--limit", "Only so many pictures; a larger one goes on with the run.", min=1)]
Shuffle = Annotated[int | None, option("--shuffle", "Shuffle the pictures by this seed first.", min=0)]
Samples = Annotated[int, option("--samples -k", "Answers to each picture; most of them decide.", min=1)]
Seed = Annotated[int, option("--seed", "Of answers that are sampled.", min=0)]
InFlight = Annotated[int, option("--in-flight", "Pictures under way at an endpoint.", min=1)]
Patience = Annotated[
    float, option("--patience", "Seconds a picture is tried again whose model, having answered others, fails.", min=0)
]
Heat = Annotated[
    Path | None,
    option("--heat", "Folder of your own heat maps, ID.npy, that are held against where the action units are."),
]
Format = Annotated[Literal["table", "json"], option("--format -f", "How it is printed.")]
