"""`facevlm demo`: the whole path on a photograph that a dependency ships, with the embedded model, offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facevlm.cli import options, printing

EXAMPLES = options.examples("facevlm demo", "facevlm demo --format json", "facevlm demo --out /tmp/first-look")


def demo(
    out: Annotated[Path, options.option("--out -o", "Folder for the report.")] = Path("facevlm-demo"),
    format: options.FormatOption = "table",
    threads: options.ThreadsOption = None,
) -> None:
    """Explain a bundled photograph (astronaut Eileen Collins, NASA, public domain) with the embedded model."""
    from facevlm.config import demo_picture
    from facevlm.reasoning import FaceReasoner, report

    image, reports = demo_picture(), options.folder(out)
    reasoner = FaceReasoner(settings=options.settings(threads=threads))
    analysis = reasoner.analyze(image)
    printing.notices(analysis)
    printer = printing.Printer(format, several=False)
    printer.show(analysis)
    printer.close()
    written = report.write(analysis, reports)
    page = next(path for path in written if path.suffix == ".html")
    typer.echo(f"The report: {page}", err=format != "table")
