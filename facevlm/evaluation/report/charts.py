"""The charts of a report as plotly draws them: figures with their intervals, and sureness against success.

A chart is data; colours of text and lines come from the page, which knows whether it is dark. What a chart shows is
said in words beside it, and every number of it is in a table.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from facevlm.data.synth.audit import FACTORS
from facevlm.evaluation.fairness import Effect
from facevlm.evaluation.report import table
from facevlm.evaluation.report.facts import Report
from facevlm.evaluation.scores import Score

COLOURS = ("#3b8fc2", "#d98a1f", "#2fa37c", "#c0679c", "#8a7bd1", "#a8932b")  # told apart on white and on black
ROW, FRAME = 22, 90  # px
FIRST = ("f1", "recall", "accuracy")  # which figure a chart shows, where there are several


@dataclass(frozen=True)
class Chart:
    """One chart: what plotly is given, its height in pixels, and what it shows in words."""

    title: str
    words: str
    traces: tuple[dict[str, Any], ...]
    layout: dict[str, Any]
    height: int

    @property
    def json(self) -> str:
        """Its data, safe within a page."""
        spec = json.dumps({"data": self.traces, "layout": {**self.layout, "height": self.height}}, allow_nan=False)
        return spec.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def parts(reports: Sequence[Report]) -> list[Chart]:
    """Bars by emotion and by action unit, the runs side by side."""
    charts = []
    for kind, ofs in table.kinds(reports).items():
        metric = _chosen([each.metric for report in reports for each in table.of_parts(report) if each.of in ofs])
        traces = tuple(
            _bars(name, ofs, [table.at(report, metric, of) for of in ofs], colour)
            for report, name, colour in _coloured(reports)
        )
        charts.append(_across(f"{kind}: {metric}", ofs, traces, len(reports)))
    return charts


def conditions(reports: Sequence[Report]) -> list[Chart]:
    """The first of the figures under every condition."""
    shown = [report for report in reports if len(report.run.suite.conditions) > 1]
    if not shown:
        return []
    metric = _chosen([each.metric for report in shown for each in table.of_all(report, report.condition)])
    asked = list(dict.fromkeys(each.name for report in shown for each in report.run.suite.conditions))
    traces = []
    for report, name, colour in _coloured(shown):
        found = {each.condition: each for each in report.scores if each.metric == metric and _of_all(each)}
        traces.append(_dots(name, asked, [found.get(each) for each in asked], colour))
    return [_across(f"By condition: {metric}", asked, tuple(traces), 1)]


def fairness(reports: Sequence[Report]) -> list[Chart]:
    """For each factor how far every level is from the mean of them all."""
    charts = []
    for factor in FACTORS:
        found = {report.name: _levels(report, factor) for report in reports}
        levels = list(dict.fromkeys(each.level for effects in found.values() for each in effects))
        if levels:
            traces = tuple(
                _dots(name, levels, [_as_score(found[report.name], level) for level in levels], colour)
                for report, name, colour in _coloured(reports)
            )
            title = f"{factor.capitalize()}: emotion right, less the mean of all levels"
            charts.append(_across(title, levels, traces, 1))
    return charts


def reliability(reports: Sequence[Report]) -> list[Chart]:
    """How often answers of a sureness are right; on the diagonal promise and success agree (Guo et al., ICML 2017)."""
    if not any(report.reliability for report in reports):
        return []
    even = {"x": [0, 1], "y": [0, 1], "mode": "lines", "name": "as sure as right", "line": {"dash": "dot", "width": 1},
            "hoverinfo": "skip"}  # fmt: skip
    traces = [
        {
            "x": [each.sure for each in report.reliability],
            "y": [each.right for each in report.reliability],
            "text": [f"{each.n:,} answers" for each in report.reliability],
            "mode": "lines+markers", "name": name, "line": {"color": colour},
            "marker": {"size": [_size(each.n, report) for each in report.reliability], "color": colour},
        }
        for report, name, colour in _coloured(reports)
    ]  # fmt: skip
    layout = {
        "xaxis": {"title": {"text": "probability given"}, "range": [0, 1.03]},
        "yaxis": {"title": {"text": "share right"}, "range": [0, 1.03]},
        "margin": {"l": 55, "r": 10, "t": 10, "b": 45},
        "legend": _LEGEND,
    }
    words = "; ".join(f"{name}: {_gap(report)}" for report, name, _ in _coloured(reports) if report.reliability)
    return [Chart("Reliability: sureness against success", words, (even, *traces), layout, 400)]


_LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}


def _across(title: str, names: Sequence[str], traces: tuple[dict[str, Any], ...], side_by_side: int) -> Chart:
    """Figures along lines, one below the other, so that names have room on a narrow screen too."""
    layout = {
        "barmode": "group",
        "xaxis": {"zeroline": True, "zerolinewidth": 2},
        "yaxis": {"autorange": "reversed", "automargin": True, "type": "category", "ticklabelstandoff": 6},
        "margin": {"l": 10, "r": 10, "t": 10, "b": 35},
        "showlegend": len(traces) > 1,
        "legend": _LEGEND,
    }
    height = FRAME + len(names) * max(ROW, 14 * side_by_side) + 20 * (len(traces) > 1)
    return Chart(title, f"{title}. {_extremes(names, traces)}", traces, layout, height)


def _bars(name: str, ofs: Sequence[str], scores: Sequence[Score | None], colour: str) -> dict[str, Any]:
    return {"type": "bar", "orientation": "h", "name": name, "marker": {"color": colour}, **_placed(ofs, scores)}


def _dots(name: str, ofs: Sequence[str], scores: Sequence[Score | None], colour: str) -> dict[str, Any]:
    marker = {"color": colour, "size": 9}
    return {"type": "scatter", "mode": "markers", "name": name, "marker": marker, **_placed(ofs, scores)}


def _placed(ofs: Sequence[str], scores: Sequence[Score | None]) -> dict[str, Any]:
    values = [score.value if score else None for score in scores]
    ends = [(score.value, score.low, score.high) if score else (None, None, None) for score in scores]
    plus = [high - value if value is not None and high is not None else 0 for value, _, high in ends]
    minus = [value - low if value is not None and low is not None else 0 for value, low, _ in ends]
    error = {"type": "data", "symmetric": False, "array": plus, "arrayminus": minus, "thickness": 1, "width": 3}
    return {"x": values, "y": list(ofs), "error_x": error, "hovertemplate": "%{y}: %{x:.3f}<extra></extra>"}


def _chosen(metrics: Sequence[str]) -> str:
    """The metric a chart shows: F1, recall or accuracy where there is one, else the first."""
    wanted = (metric for word in FIRST for metric in metrics if word in metric.lower())
    return next(wanted, metrics[0] if metrics else "")


def _coloured(reports: Sequence[Report]) -> list[tuple[Report, str, str]]:
    names = table.names(reports)
    return [(report, names[place], COLOURS[place % len(COLOURS)]) for place, report in enumerate(reports)]


def _of_all(score: Score) -> bool:
    return score.of is None and not score.group


def _levels(report: Report, factor: str) -> list[Effect]:
    effects = report.fairness.effects if report.fairness else ()
    wanted = ("emotion right", None, factor)
    return [each for each in effects if (each.outcome, each.emotion, each.factor) == wanted]


def _as_score(effects: Sequence[Effect], level: str) -> Score | None:
    found = next((each for each in effects if each.level == level), None)
    if found is None:
        return None
    return Score(metric="", value=found.difference, low=found.low, high=found.high, condition="")


def _extremes(names: Sequence[str], traces: Sequence[dict[str, Any]]) -> str:
    told = []
    for trace in traces:
        known = [(value, name) for value, name in zip(trace["x"], names, strict=True) if value is not None]
        if known:
            (low, worst), (high, best) = min(known), max(known)
            told.append(f"{trace['name']}: from {table.number(low)} ({worst}) to {table.number(high)} ({best})")
    return "; ".join(told)


def _gap(report: Report) -> str:
    count = sum(each.n for each in report.reliability)
    promised = sum(each.n * each.sure for each in report.reliability)
    kept = sum(each.n * each.right for each in report.reliability)
    return f"on average {promised / count:.3f} sure and {kept / count:.3f} right"


def _size(count: int, report: Report) -> float:
    return 6 + 16 * math.sqrt(count / max(each.n for each in report.reliability))
