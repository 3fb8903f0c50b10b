"""`facevlm eval report`: a run, or several side by side, as a page, Markdown and JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facevlm.cli import options
from facevlm.cli.ending import say
from facevlm.errors import InputError

EXAMPLES = options.examples(
    "facevlm eval report runs/ferplus                                  # runs/ferplus/report.html, .md, .json",
    "facevlm eval report runs/nano runs/qwen --out runs/nano-qwen      # side by side",
    "facevlm eval report runs/ferplus --pictures                       # faces beside the errors, for yourself",
)


def report(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Folders of runs that are scored.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", envvar="FACEVLM_OUT", show_default="DIR, where it is one", help="Folder for the report."
        ),
    ] = None,
    pictures: Annotated[
        bool | None,
        typer.Option(
            "--pictures/--no-pictures",
            envvar="FACEVLM_PICTURES",
            show_default="as the data set allows",
            help="Show the marked faces beside the errors. They are in the page alone.",
        ),
    ] = None,
    errors: Annotated[
        int, typer.Option("--errors", envvar="FACEVLM_ERRORS", min=0, help="Errors of each kind that are shown.")
    ] = 8,
) -> None:
    """Write report.html, which needs nothing beside itself, report.md and report.json, and print where the page is."""
    from facevlm.evaluation.report import write

    if out is None and len(folders) > 1:
        raise InputError(f"{len(folders)} runs are reported side by side; say with --out where")
    page = write(folders, out or folders[0], pictures=pictures, most=errors)
    say(f"{page.parent}: report.html, report.md and report.json")
    typer.echo(page)
