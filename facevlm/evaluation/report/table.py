"""The figures of reports as tables of text, which the page and Markdown share.

A table has the runs, or what the figures are of, across or down; a cell is a figure with its 95 % interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from facevlm.evaluation.fairness import Fairness, Gap
from facevlm.evaluation.report.facts import Report
from facevlm.evaluation.scores import Score
from facevlm.types import EMOTIONS

NONE = "–"


@dataclass(frozen=True)
class Table:
    """Rows of text under a head; the first column says what a row is of."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def names(reports: Sequence[Report]) -> list[str]:
    """What each run is called: by its model, by its folder too where two have the same, and by its number beside that
    where folders are called alike."""
    models = [model(report) for report in reports]
    placed = [
        name if models.count(name) == 1 else f"{name}, {report.name}"
        for name, report in zip(models, reports, strict=True)
    ]
    return [name if placed.count(name) == 1 else f"{name} ({place})" for place, name in enumerate(placed, start=1)]


def model(report: Report) -> str:
    """The model and its adapter."""
    return report.run.model if report.run.adapter is None else f"{report.run.model} + {report.run.adapter}"


def figure(score: Score | None) -> str:
    """«0.838 (0.824–0.851)»; a dash where there is none."""
    if score is None or score.value is None:
        return f"{NONE} {score.note}" if score and score.note else NONE
    if score.low is None or score.high is None:
        return number(score.value)
    dash = " to " if score.low < 0 else "–"
    return f"{number(score.value)} ({number(score.low)}{dash}{number(score.high)})"


def number(value: float) -> str:
    """Three digits after the point; a true minus sign, and none before nothing."""
    return f"{value:z.3f}".replace("-", "\N{MINUS SIGN}")


def headline(reports: Sequence[Report]) -> Table:
    """The figures of all faces under the heading condition, the runs side by side."""
    found = [{score.metric: score for score in of_all(report, report.condition)} for report in reports]
    rows = []
    for metric in _in_order(metric for each in found for metric in each):
        scores = [each.get(metric) for each in found]
        known = [score for score in scores if score]
        n = " / ".join(_in_order(f"{score.n:,}" for score in known))
        rows.append((metric, *map(figure, scores), n, known[0].better, _asked_for(reports[0], metric, known[0])))
    return Table("Figures", ("metric", *names(reports), "n", "better", "asked for"), tuple(rows))


def parts(reports: Sequence[Report]) -> list[Table]:
    """Figures by emotion, by action unit, and by whatever else figures are of: a table each."""
    tables = []
    for kind, ofs in kinds(reports).items():
        metrics = _in_order(score.metric for report in reports for score in of_parts(report) if score.of in ofs)
        columns = [(report, metric) for metric in metrics for report in reports]
        rows = tuple((of, *(figure(at(report, metric, of)) for report, metric in columns)) for of in ofs)
        several = len(reports) > 1
        head = tuple(
            f"{metric}, {name}" if several else metric
            for metric in metrics
            for name in names(reports)
        )  # fmt: skip
        tables.append(Table(kind, ("of", *head), rows))
    return tables


def kinds(reports: Sequence[Report]) -> dict[str, list[str]]:
    """What figures are of, by kind, each in its order."""
    named = _in_order(score.of for report in reports for score in of_parts(report) if score.of)
    emotions: list[str] = [name for name in EMOTIONS if name in named]
    units: list[str] = sorted(filter(_unit, named), key=_unit)
    rest = [name for name in named if name not in {*emotions, *units}]
    sorted_ = {"By emotion": emotions, "By action unit": units, "By part": rest}
    return {kind: each for kind, each in sorted_.items() if each}


def conditions(reports: Sequence[Report]) -> list[Table]:
    """For every run with several conditions: the figures of all faces under each."""
    tables = []
    for report, name in zip(reports, names(reports), strict=True):
        asked = [condition.name for condition in report.run.suite.conditions]
        if len(asked) > 1:
            found = {each: {score.metric: score for score in of_all(report, each)} for each in asked}
            metrics = _in_order(metric for each in found.values() for metric in each)
            rows = tuple((each, *(figure(found[each].get(metric)) for metric in metrics)) for each in asked)
            tables.append(Table(_titled("By condition", name, reports), ("condition", *metrics), rows))
    return tables


def groups(reports: Sequence[Report]) -> list[Table]:
    """For every run and every property that faces are grouped by: the figures of each group."""
    tables = []
    for report, name in zip(reports, names(reports), strict=True):
        found = [score for score in report.scores if score.group and score.of is None]
        for key in _in_order(_key(score) for score in found):
            ours = [score for score in found if _key(score) == key and score.condition == report.condition]
            metrics = _in_order(score.metric for score in ours)
            cells = {(_value(score), score.metric): score for score in ours}
            counts = {_value(score): score.n for score in ours}
            rows = tuple(
                (value, *(figure(cells.get((value, metric))) for metric in metrics), f"{counts[value]:,}")
                for value in _in_order(map(_value, ours))
            )
            tables.append(Table(_titled(f"By {key}", name, reports), (key, *metrics, "faces"), rows))
    return tables


def fairness(reports: Sequence[Report]) -> list[Table]:
    """What the audit of every run found."""
    return [
        each
        for report, name in zip(reports, names(reports), strict=True)
        for each in of_fairness(report.fairness or Fairness(), name if len(reports) > 1 else "")
    ]


def of_fairness(found: Fairness, name: str) -> list[Table]:
    """Gaps, levels, groups, and how the answer follows the expression; over all expressions."""
    gaps = [
        (each.factor, each.outcome, *_extremes(each), _gap(each), _chance(each.p), f"{each.n:,}")
        for each in found.gaps
        if each.emotion is None
    ]
    levels = [
        (each.factor, each.level, each.outcome, number(each.value), _with_ends(each.difference, each.low, each.high))
        for each in found.effects
        if each.emotion is None
    ]
    groups = [
        (each.attribute, each.group, each.outcome, _with_ends(each.value, each.low, each.high), f"{each.n:,}")
        for each in found.groups
    ]
    responses = [
        (each.emotion, number(each.named), NONE if each.moved is None else number(each.moved), f"{each.n:,}")
        for each in found.responses
    ]
    tables = [
        Table(
            "Best less worst level or group",
            ("factor", "of", "best", "worst", "gap", "by chance", "faces"),
            tuple(gaps),
        ),
        *_by_expression(found),
        Table("Each level, on the same faces", ("factor", "level", "of", "mean", "less that of all"), tuple(levels)),
        Table("Each group", ("attribute", "group", "of", "mean", "faces"), tuple(groups)),
        Table("The expression alone varied", ("expression", "named", "not as at rest", "faces"), tuple(responses)),
    ]
    titled = [replace(each, title=f"{each.title}: {name}" if name else each.title) for each in tables]
    return [each for each in titled if each.rows]


def _by_expression(found: Fairness) -> list[Table]:
    """Whether one expression has a gap that another has not: a row a factor, a column an expression."""
    gaps: dict[tuple[str, str, str], Gap] = {
        (each.outcome, each.factor, each.emotion): each for each in found.gaps if each.emotion
    }
    expressions = _in_order(emotion for _, _, emotion in gaps if emotion)
    tables = []
    for outcome in _in_order(outcome for outcome, _, _ in gaps):
        factors = _in_order(factor for each, factor, _ in gaps if each == outcome)
        rows = tuple(
            (factor, *(_gap(gaps.get((outcome, factor, emotion))) for emotion in expressions)) for factor in factors
        )
        tables.append(Table(f"Best less worst level, {outcome}", ("factor", *expressions), rows))
    return tables


def of_all(report: Report, condition: str) -> list[Score]:
    """The figures of all faces under a condition."""
    return [each for each in report.scores if each.condition == condition and not each.group and each.of is None]


def of_parts(report: Report) -> list[Score]:
    """The figures of single classes or action units under the heading condition."""
    return [each for each in report.scores if each.condition == report.condition and not each.group and each.of]


def at(report: Report, metric: str, of: str) -> Score | None:
    """The figure of one class or action unit."""
    return next((each for each in of_parts(report) if (each.metric, each.of) == (metric, of)), None)


def _extremes(gap: Gap) -> tuple[str, str]:
    """The best and the worst level, where they differ."""
    return (gap.best, gap.worst) if gap.value else (NONE, NONE)


def _gap(gap: Gap | None) -> str:
    return NONE if gap is None else _with_ends(gap.value, gap.low, gap.high)


def _chance(p: float) -> str:
    return "< 0.01" if p < 0.01 else f"{p:.2f}"


def _with_ends(value: float, low: float | None, high: float | None) -> str:
    return figure(Score(metric="", value=value, low=low, high=high, condition=""))


def _asked_for(report: Report, metric: str, score: Score) -> str:
    least = report.run.suite.thresholds.get(metric)
    if least is None:
        return NONE
    return f"{'at least' if score.better == 'higher' else 'at most'} {least:g}"


def _titled(title: str, name: str, reports: Sequence[Report]) -> str:
    return title if len(reports) == 1 else f"{title}: {name}"


def _unit(name: str) -> int:
    """The number of an action unit («AU 12»); 0 for what is none."""
    number = name.removeprefix("AU").strip()
    return int(number) if name.startswith("AU") and number.isdigit() else 0


def _key(score: Score) -> str:
    return ", ".join(score.group)


def _value(score: Score) -> str:
    return ", ".join(score.group.values())


def _in_order(values: Iterable[str]) -> list[str]:
    """Each once, as first met."""
    return list(dict.fromkeys(values))
