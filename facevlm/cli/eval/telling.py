"""What the commands of `facevlm eval` say of a run and of a data set, and their tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facevlm.cli.ending import say

if TYPE_CHECKING:
    from facevlm.evaluation.questions import Questions
    from facevlm.evaluation.scores import Score
    from facevlm.evaluation.scoring import Scored

_PAIRED = (
    "agreement",
    "kappa",
    "same action units",
    "probability lost",
    "conclusions moved",
    "conclusions that follow",
)
_SHOWN = 20  # lost pictures that are named; the others are counted
_RESTING = ("occlusion: ", "heat map: ")  # figures of one condition alone
_WIDEST = 10_000  # columns; a table takes what it needs


def tell_lost(questions: Questions) -> None:
    """Say what of the data set is left out, and what it lacks."""
    for lost in questions.lost[:_SHOWN]:
        say(f"{lost.id}: {lost.reason}")
    if len(questions.lost) > _SHOWN:
        say(f"… and {len(questions.lost) - _SHOWN:,} more")
    if questions.lost:
        say(f"rows left out: {len(questions.lost):,}")
    if questions.outside:
        say(f"faces left out, as the suite has no class for their label: {questions.outside:,}")
    for notice in questions.notices:
        say(notice)
    if questions.data.note:
        say(f"{questions.data.name}: {questions.data.note}")


def tell_scores(folder: Path) -> None:
    """Score a run, print its headline figures on stdout, and say on stderr what counts as wrong or is lost."""
    from facevlm.evaluation import scoring

    scored = scoring.score(folder)
    _tell_amiss(scored)
    title = f"{scored.run.suite.title}: {scored.run.model}, {scored.run.adapter or 'no adapter'}"
    if len({each.condition for each in scored.headline}) > 1:
        show(_by_condition(scored, title))
        resting = [each for each in scored.headline if each.metric.startswith(_RESTING)]
        if resting:
            show(_by_figure(resting, "Where the conclusions rest"))
    else:
        show(_by_figure(scored.headline, title))
    say(f"{folder}: run.json, rows.jsonl, scores.json")


def _tell_amiss(scored: Scored) -> None:
    """What has no answer or could not be read, and which figures fall short of what the suite asks."""
    counts = scored.run.counts
    for line in scored.unread[:_SHOWN]:
        say(line)
    if counts.unanswered:
        whole = counts.unanswered + counts.samples
        say(f"{counts.unanswered:,} of {whole:,} labelled pictures have no answer, left out")
    if counts.lost:
        say(f"pictures and rows lost: {len(counts.lost):,}; the figures are of the others")
    for line in scored.unparsable[:_SHOWN]:
        say(line)
    if counts.unparsable:
        say(f"answers that could not be read, counted as wrong: {counts.unparsable:,}")
    for line in scored.missed:
        say(line)


def _by_figure(scores: Sequence[Score], title: str) -> Any:
    rows = [(each.metric, _figure(each), f"{each.n:,}") for each in scores]
    return table(("figure", "value (95 %)", "n"), rows, title)


def _by_condition(scored: Scored, title: str) -> Any:
    """Conditions down, figures across; the intervals of all are in scores.json and in the report."""
    suite = scored.run.suite
    found = {(each.condition, each.metric): each for each in scored.headline}
    figures = [name for name in (*suite.metrics, *_PAIRED) if any(metric == name for _, metric in found)]
    rows = [
        (condition.name, *(_number(found.get((condition.name, name))) for name in figures))
        for condition in suite.conditions
        if any(under == condition.name for under, _ in found)
    ]
    return table(("condition", *figures), rows, title)


def _figure(score: Score) -> str:
    interval = f" ({score.low:.3f} to {score.high:.3f})" if score.low is not None and score.high is not None else ""
    return _number(score) + interval


def _number(score: Score | None) -> str:
    return "–" if score is None or score.value is None else f"{score.value:.3f}"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> Any:
    """A table of plain texts, for `show`."""
    from rich.box import SIMPLE
    from rich.table import Table
    from rich.text import Text

    made = Table(title=Text(title, style="bold"), title_justify="left", box=SIMPLE)
    made.add_column(columns[0], no_wrap=True)
    for name in columns[1:]:
        made.add_column(name, overflow="fold")
    for row in rows:
        made.add_row(*map(Text, row))
    return made


def show(shown: Any) -> None:
    """Print a table on stdout: at the terminal's width, and as wide as it is where a file or a program reads it."""
    import sys

    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else _WIDEST).print(shown)
