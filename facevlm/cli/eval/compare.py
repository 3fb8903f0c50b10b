"""`facevlm eval compare`: what two runs over the same pictures differ in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from facevlm.cli import options
from facevlm.cli.ending import say
from facevlm.cli.eval.telling import show, table

if TYPE_CHECKING:
    from facevlm.evaluation.comparing import Change, Comparison

EXAMPLES = options.examples(
    "facevlm eval compare runs/before runs/after",
    "facevlm eval compare runs/nano runs/qwen --format json > comparison.json",
)
_SHOWN = 20  # flipped samples that are named in the table


def compare(
    before: Annotated[Path, typer.Argument(metavar="A", help="Folder of a run.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="Folder of another.")],
    condition: Annotated[
        str | None,
        typer.Option("--condition", envvar="FACEVLM_CONDITION", show_default="the first", help="Of the suite."),
    ] = None,
    format: Annotated[
        Literal["table", "json"], typer.Option("--format", "-f", envvar="FACEVLM_FORMAT", help="How it is printed.")
    ] = "table",
) -> None:
    """Print by how much each figure changes from A to B, with paired intervals, and which samples flipped."""
    from facevlm.evaluation import comparing

    found = comparing.compare(before, after, condition)
    if found.only_before or found.only_after:
        say(f"faces that only one run holds, left out: {found.only_before:,} of A, {found.only_after:,} of B")
    if format == "json":
        typer.echo(found.model_dump_json(indent=2))
    else:
        _show(found)


def _show(found: Comparison) -> None:

    title = f"{found.suite}, {found.condition}, n = {found.n:,}"
    show(table(("figure", "A", "B", "B − A (95 %)"), [_row(each) for each in found.changes], title))
    if found.mcnemar is not None:
        only_a, only_b, p = found.mcnemar
        say(f"right only in A: {only_a:,}, only in B: {only_b:,}; McNemar's exact p = {p:.3g}")
    for flip in found.flipped[:_SHOWN]:
        say(f"{flip.id}: {flip.truth}: {flip.before} → {flip.after}")
    if len(found.flipped) > _SHOWN:
        say(f"… and {len(found.flipped) - _SHOWN:,} more that flipped; --format json lists them")


def _row(change: Change) -> tuple[str, ...]:
    name = change.metric if change.of is None else f"{change.metric}, {change.of}"
    return name, _number(change.before), _number(change.after), _difference(change)


def _difference(change: Change) -> str:
    if change.change is None or change.low is None or change.high is None:
        return "–"
    return f"{change.change:+.3f} ({change.low:+.3f} to {change.high:+.3f})"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
