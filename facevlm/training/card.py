"""The model card of an adapter or a base: what is recorded of it, and by name what is not (arXiv 1810.03993).

No gap is filled: a card says nothing that no file says.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import groupby
from math import isfinite
from pathlib import Path
from typing import Any

from jinja2 import Template

from facevlm import files
from facevlm.reasoning.template import Filters, template
from facevlm.training.facts import Facts, Figure

CARD = "README.md"


def write(folder: Path, facts: Facts) -> Path:
    """Write the card into the folder, in place of the one there, and return its path."""
    return files.write(folder / CARD, text(folder.resolve().name, facts))


def text(name: str, facts: Facts) -> str:
    """The card of a model of this name, in Markdown."""
    figures = [(command, list(rows)) for command, rows in groupby(facts.figures, lambda row: row.command)]
    return _template().render(name=name, facts=facts, figures=figures).strip() + "\n"


def _figure(row: Figure) -> str:
    """«0.838 (0.824–0.851)», and the figures of each adapter where it is their mean."""
    interval = "" if row.low is None or row.high is None else f" ({_number(row.low)}–{_number(row.high)})"
    each = f"; {', '.join(map(_number, row.each))}" if row.each else ""
    return f"{_number(row.figure)}{interval}{each}"


def _number(value: float | str | None) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.3f}" if value is not None and isfinite(value) else "–"


def _told(value: Any) -> str:
    """A recorded value in words: of a table every entry, of a list every item."""
    match value:
        case dict():
            return ", ".join(f"{key} {_told(each)}" for key, each in value.items())
        case list():
            return ", ".join(map(_told, value))
        case bool() | None:
            return {True: "yes", False: "no", None: "–"}[value]
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.4g}"
    return str(value)


def _cell(value: str) -> str:
    """Text as it may stand in a Markdown table."""
    return " ".join(value.split()).replace("|", "\\|")


def _count(left_out: Sequence[str] | dict[str, int]) -> int:
    return sum(left_out.values()) if isinstance(left_out, dict) else len(left_out)


@cache
def _template() -> Template:
    filters: Filters = {"figure": _figure, "told": _told, "cell": _cell, "total": _count}
    return template(Path(__file__).with_name("card.md.jinja"), filters)
