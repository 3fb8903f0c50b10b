"""Reports as one page that needs nothing beside itself: charts, tables, errors with their pictures, provenance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from jinja2 import Template
from markupsafe import Markup

from facevlm.errors import PrerequisiteError
from facevlm.evaluation.report import charts, provenance, table
from facevlm.evaluation.report.cases import Cases
from facevlm.evaluation.report.facts import Report
from facevlm.reasoning.template import template
from facevlm.reasoning.text import LIMITS, SIGNS


def html(reports: Sequence[Report], cases: Iterable[Sequence[Cases]]) -> str:
    """The page of a run, or of several side by side.

    Args:
        cases: for each report, the answers that are shown with it.

    Raises:
        PrerequisiteError: plotly is not installed.
    """
    names = table.names(reports)
    return _page().render(
        reports=list(zip(names, reports, cases, strict=True)),
        title=title(reports),
        headline=table.headline(reports),
        sections=_sections(reports),
        facts=provenance.facts(reports),
        commands=list(dict.fromkeys(report.run.command for report in reports)),
        names=names,
        plotly=Markup(_plotly()),
    )


def title(reports: Sequence[Report]) -> str:
    """What was measured, on what."""
    suites = dict.fromkeys(report.run.suite.title for report in reports)
    return " / ".join(each[:1].upper() + each[1:] for each in suites)


def _sections(reports: Sequence[Report]) -> list[tuple[str, list[charts.Chart], list[table.Table]]]:
    """A heading, its charts and its tables; what there is nothing of is left out."""
    sections = [
        ("Emotions and action units", charts.parts(reports), table.parts(reports)),
        ("Conditions", charts.conditions(reports), table.conditions(reports)),
        ("Groups", [], table.groups(reports)),
        ("Fairness", charts.fairness(reports), table.fairness(reports)),
        ("Calibration", charts.reliability(reports), []),
    ]
    return [(heading, drawn, told) for heading, drawn, told in sections if drawn or told]


def _plotly() -> str:
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise PrerequisiteError(
            "plotly, which draws the charts, is not installed; pip install 'facevlm[eval]'"
        ) from None
    return str(get_plotlyjs())


@cache
def _page() -> Template:
    return template(Path(__file__).with_name("page.html.jinja"), LIMITS=LIMITS, SIGNS=SIGNS, lost=provenance.lost)
