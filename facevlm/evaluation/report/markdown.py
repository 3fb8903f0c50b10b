"""Reports as Markdown: the tables of the page and the commands, to be committed and read beside the code."""

from __future__ import annotations

from collections.abc import Sequence

from facevlm.evaluation.report import page, provenance, table
from facevlm.evaluation.report.facts import Report
from facevlm.evaluation.report.table import Table
from facevlm.reasoning.text import plain


def text(reports: Sequence[Report]) -> str:
    """The tables of a run, or of several side by side."""
    confusions = map(_confusion, reports, table.names(reports))
    tables = [
        table.headline(reports), *table.parts(reports), *confusions, *table.conditions(reports),
        *table.groups(reports), *table.fairness(reports), provenance.facts(reports),
    ]  # fmt: skip
    commands = "\n".join(dict.fromkeys(report.run.command for report in reports))
    return "\n\n".join(
        [
            f"# {plain(page.title(reports))}",
            "Shares from 0 to 1 with 95 % intervals.",
            *(of_table(each) for each in tables if each is not None),
            f"## Made by\n\n```sh\n{commands}\n```",
        ]
    ) + "\n"  # fmt: skip


def of_table(of: Table) -> str:
    """A table under its title; what is in a cell cannot add markup."""
    rule = f"|{'---|' * len(of.head)}"
    return "\n".join([f"## {plain(of.title)}", "", _line(of.head), rule, *map(_line, of.rows)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(plain, cells))} |"


def _confusion(report: Report, name: str) -> Table | None:
    if report.confusion is None:
        return None
    rows = tuple(
        (label, *(f"{count:,}" for count in counts))
        for label, counts in zip(report.confusion.labels, report.confusion.counts, strict=True)
    )
    return Table(f"Concluded of faces of each emotion: {name}", ("", *report.confusion.columns), rows)
