"""`facevlm match`: how well labels fit every face of the images given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from facevlm.cli import options, printing
from facevlm.cli.ending import say

if TYPE_CHECKING:
    from facevlm.config import Settings
    from facevlm.matching.matching import Choice

EXAMPLES = options.examples(
    "facevlm match photo.jpg --labels happiness,surprise,anger",
    'facevlm match photo.jpg --labels "a smile,a frown,mouth wide open" --each',
    "facevlm match *.jpg --describe units --format jsonl > matches.jsonl",
    "facevlm match photo.jpg --labels amused,bored --model ViT-B-32 --checkpoint ViT-B-32.safetensors",
)


def match(
    images: Annotated[list[str], typer.Argument(metavar="IMAGE", help="Photographs: JPEG, PNG, GIF, WebP, BMP, TIFF.")],
    labels: Annotated[
        str | None,
        options.option(
            "--labels -l",
            "Labels to choose among, with commas between: emotions, or your own words.",
            show_default="the eight emotions",
        ),
    ] = None,
    describe: Annotated[
        Literal["names", "units", "both"],
        options.option("--describe", "What stands for an emotion: its names, its action units by FACS, or both."),
    ] = "names",
    each: Annotated[bool, options.option("--each", "Also say how true each label is alone.")] = False,
    model: Annotated[
        str,
        options.option(
            "--model -m", "Matcher: nano-clip, a folder, or an open_clip model.", variable="FACEVLM_MATCHER"
        ),
    ] = "nano-clip",
    checkpoint: Annotated[
        str | None, options.option("--checkpoint", "Weights of an open_clip model: a file, or a tag it has downloaded.")
    ] = None,
    format: options.FormatOption = "table",
    threads: options.ThreadsOption = None,
) -> None:
    """Say how well labels fit every face: a contrastive model compares the face with texts, and writes none.

    A bad image is reported and the others still done; the exit status is then 2.
    """
    from facevlm.matching.matcher import Matcher
    from facevlm.matching.matching import Choice
    from facevlm.types import EMOTIONS

    settings = options.settings(threads=threads)
    names = EMOTIONS if labels is None else labels.split(",")
    choice = Choice(Matcher(model, checkpoint, settings.threads), names, describe)
    status = 0
    printer = printing.Printer(format, several=len(images) > 1)
    with printing.progress(len(images), "Matching") as tick:
        for image in images:
            status = max(status, _match(image, choice, each, settings, printer))
            tick()
    printer.close()
    if status:
        raise typer.Exit(status)


def _match(image: str, choice: Choice, each: bool, settings: Settings, printer: printing.Printer) -> int:
    """Match and print one image; returns the exit status it calls for."""
    from facevlm.errors import InputError
    from facevlm.matching import text
    from facevlm.matching.matching import matched
    from facevlm.reasoning.seeing import find

    try:
        found = find(image, settings)
    except InputError as error:
        say(error if str(error).startswith(image) else f"{image}: {error}")
        return error.exit_status
    result = matched(choice, found, each=each)
    printing.looked(result.image, len(result.faces))
    printer.show_worded(result, result.image.source, text)
    return 0
