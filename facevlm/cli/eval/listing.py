"""`facevlm eval list`: the suites that ship, and what data each needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from facevlm.cli import options
from facevlm.cli.eval.telling import show, table

if TYPE_CHECKING:
    from facevlm.evaluation.suite import Suite

_COLUMNS = ("suite", "what it asks", "conditions", "data", "can be run")
EXAMPLES = options.examples("facevlm eval list", "facevlm eval list --format json")


def list_suites(
    format: Annotated[
        Literal["table", "json"], typer.Option("--format", "-f", envvar="FACEVLM_FORMAT", help="How it is printed.")
    ] = "table",
) -> None:
    """Print the suites that ship: what each asks, under how many conditions, and the data it needs."""
    import json

    from facevlm.evaluation import suite as suites

    found = [suites.named(name) for name in suites.names()]
    rows = [_row(each) for each in found]
    if format == "json":
        told = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        show(table(_COLUMNS, rows, "Suites"))


def _row(suite: Suite) -> tuple[str, ...]:
    from facevlm.evaluation.questions import needs

    can = f"no: {suite.awaits}" if suite.awaits else "yes"
    return suite.name, suite.title, str(len(suite.conditions)), needs(suite), can
