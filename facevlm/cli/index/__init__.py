"""`facevlm index`: labelled faces, and those of them nearest to a face or a text. One file per command."""

from __future__ import annotations

import typer

from facevlm.cli.index import build, query

app = typer.Typer(no_args_is_help=True, help="Labelled faces as examples: index a folder, find the nearest.")
app.command(epilog=build.EXAMPLES)(build.build)
app.command(epilog=query.EXAMPLES)(query.query)
