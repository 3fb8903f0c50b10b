"""The result on stdout, in the format asked for; everything else on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import typer

from facevlm.cli.ending import say
from facevlm.cli.options import Format

if TYPE_CHECKING:
    from pydantic import BaseModel

    from facevlm.training.measurement.reliability import Reliability
    from facevlm.types import Analysis, ImageInfo

_PIPE_WIDTH = 120  # columns of a table that goes to a file or another program


class Wording(Protocol):
    """How a result is told to people: `facevlm.reasoning.report` for analyses."""

    COLUMNS: tuple[str, ...]

    def rows(self, result: Any, /) -> Sequence[Sequence[str]]: ...

    def markdown(self, result: Any, /) -> str: ...


class Printer:
    """Prints results as they come; JSON of several images is one array, printed when all are there."""

    def __init__(self, form: Format, several: bool) -> None:
        self._form = form
        self._several = several
        self._held: list[str] = []

    def show(self, analysis: Analysis) -> None:
        """Print one analysis, or keep its text for the array."""
        from facevlm.reasoning import report

        self.show_worded(analysis, analysis.image.source, report)

    def show_worded(self, result: BaseModel, source: str, wording: Wording) -> None:
        """Print what was found in one photograph, or keep its text for the array."""
        match self._form:
            case "table":
                show(_table(wording.COLUMNS, wording.rows(result), source))
            case "markdown":
                typer.echo(wording.markdown(result))
            case "jsonl":
                typer.echo(result.model_dump_json())
            case "json":
                self._held.append(result.model_dump_json(indent=2))
        sys.stdout.flush()

    def close(self) -> None:
        """Print what was kept."""
        if self._form != "json":
            return
        if self._several:
            typer.echo("[\n" + ",\n".join(self._held) + "\n]")
        elif self._held:
            typer.echo(self._held[0])


def show(renderable: Any) -> None:
    """Print a rich table or text on stdout, at the terminal's width."""
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH).print(renderable)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, title=Text(title, style="bold"), title_justify="left", show_lines=True)
    for row in rows:
        table.add_row(*map(Text, row))  # Text: what a model wrote is no markup
    return table


def reliability(found: Mapping[int, Reliability]) -> None:
    """How well each action unit is measured, as a table."""
    rows = [
        [
            f"AU {code}",
            f"{row.auc:.3f}",
            f"{row.f1:.2f}",
            f"{row.correlation:.2f}",
            f"{row.sides:.2f}",
            str(row.present),
        ]
        for code, row in found.items()
    ]
    show(_table(("action unit", "AUC", "F1", "correlation", "sides", "faces"), rows, "On people left out of fitting"))


def notices(analysis: Analysis) -> None:
    """Tell on stderr what the result alone would not: what `looked` tells, and what failed."""
    looked(analysis.image, len(analysis.faces))
    for error, ids in _failures(analysis).items():
        say(f"{analysis.image.source}: face {', '.join(map(str, ids))}: {error}")


def looked(image: ImageInfo, faces: int) -> None:
    """Tell on stderr how a picture was read, and if it has no face."""
    for note in image.notes:
        say(f"{image.source}: {note}")
    if not faces:
        say(f"{image.source}: no face found")


def _failures(analysis: Analysis) -> dict[str, list[int]]:
    grouped: dict[str, list[int]] = {}
    for face in analysis.faces:
        if face.error is not None:
            grouped.setdefault(face.error, []).append(face.id)
    return grouped


@contextmanager
def progress(total: int, doing: str = "Explaining") -> Iterator[Callable[..., None]]:
    """A bar on stderr for more than one item, where stderr is a terminal; moved on by calling what it yields."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True)
    bar = Progress(
        *Progress.get_default_columns()[:2],
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=total < 2 or not console.is_terminal,
        redirect_stdout=sys.stdout.isatty(),  # tables go above the bar; a pipe gets its bytes untouched
    )
    with bar:
        task = bar.add_task(doing, total=total)
        yield lambda steps=1: bar.advance(task, steps)
