"""From rows to figures with their intervals; no model is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path

from facevlm.errors import InputError
from facevlm.evaluation import answers as answering
from facevlm.evaluation import attributing, intervals, keeping, pairing, run, scores
from facevlm.evaluation.answers import Answers
from facevlm.evaluation.figures import FIGURES
from facevlm.evaluation.intervals import Draws
from facevlm.evaluation.metrics.measure import Measure
from facevlm.evaluation.rows import Row
from facevlm.evaluation.run import Counts, Lost, Run
from facevlm.evaluation.scores import Score
from facevlm.evaluation.suite import Condition, Suite

SEVERAL = "self-consistency"  # a figure of answers that were sampled several times
MOST_LEVELS = 24  # of a group; what has more, as names have, is no group


@dataclass(frozen=True)
class Scored:
    """A run with its figures."""

    run: Run
    scores: Sequence[Score]
    unread: Sequence[str]  # pictures that could not be read, and why
    unparsable: Sequence[str]  # answers that could not be read, and why

    @property
    def missed(self) -> list[str]:
        """Headline figures that do not reach what the suite asks of them."""
        return [
            f"{each.metric}: {each.value:.3f}, asked for is {least:g}"
            for each in self.headline
            if (least := self.run.suite.thresholds.get(each.metric)) is not None and _short_of(each, least)
        ]

    @property
    def headline(self) -> list[Score]:
        """The figures of all faces together."""
        return [each for each in self.scores if each.of is None and not each.group]


def score(folder: Path) -> Scored:
    """Make the figures of a run from its rows, and write them and the counts beside it.

    Raises:
        InputError: the folder holds no run, or no row, or its suite asks for a figure that there is not.
    """
    of_run, rows = run.read(folder), keeping.read(folder)
    if not rows:
        raise InputError(f"{folder}: holds no answers; run `facevlm eval run` to its end first")
    figures = list(of_rows(of_run.suite, rows))
    unparsable = list(_unparsable(rows))
    of_run = of_run.model_copy(update={"counts": _counts(of_run.counts, rows, len(unparsable))})
    scores.write(folder, figures)
    run.write(folder, of_run)
    unread = list(dict.fromkeys(f"{row.id}: {row.error}" for row in rows if row.answer is None))
    return Scored(of_run, figures, unread, unparsable)


def of_rows(suite: Suite, rows: Sequence[Row]) -> Iterator[Score]:
    """The figures of a suite: under each condition of all faces, and of each group that is broken down."""
    unknown = [name for name in suite.metrics if name not in FIGURES]
    if unknown:
        raise InputError(f"{suite.name}: no figure is called {unknown[0]!r}; use {', '.join(FIGURES)}")
    told = {condition.name: answering.answers(rows, condition.name) for condition in suite.conditions}
    for condition in suite.conditions:
        under = told[condition.name]
        if len(under.pictures):
            yield from _of(suite, under, {})
            for group in _groups(suite, under):
                yield from _of(suite, under.where(group), group)
            yield from _against(suite, condition, told)
            yield from _resting(suite, under, told)


def _of(suite: Suite, answers: Answers, group: dict[str, str]) -> Iterator[Score]:
    draws = _Draws(answers)
    several = any(len(each.draws) > 1 for each in answers.of)
    for name in (*suite.metrics, *([SEVERAL] if several else ())):
        yield from _scores(name, FIGURES[name](suite, answers), draws, answers.condition, group)


class _Draws:
    """Resamples of the faces of a condition and of its pictures, drawn once for all measures of each."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._drawn: dict[int, Draws] = {}

    def of(self, measure: Measure) -> Draws:
        """The resamples that fit a measure: of faces, or of pictures."""
        if measure.size not in self._drawn:
            faces = measure.size == len(self._answers)
            subjects = self._answers.subjects if faces else None
            self._drawn[measure.size] = intervals.draw(measure.size, subjects)
        return self._drawn[measure.size]


def _scores(name: str, measure: Measure, draws: _Draws, condition: str, group: dict[str, str]) -> Iterator[Score]:
    for of, figure in intervals.figures(measure, draws.of(measure)).items():
        notes = [note.removeprefix(f"{of}: ") for note in measure.notes if not of or note.startswith(f"{of}: ")]
        yield Score(
            metric=name, value=_number(figure.value), low=_number(figure.low), high=_number(figure.high), n=figure.n,
            condition=condition, group=group, of=of or None, better=measure.better, note="; ".join(notes) or None,
        )  # fmt: skip


def _against(suite: Suite, condition: Condition, told: dict[str, Answers]) -> Iterator[Score]:
    """How the answers under a condition differ from those under the one it is read against."""
    if condition.of is None:
        return
    before, after = told[condition.of].shared(told[condition.name])
    draws = _Draws(after)
    for name, measure in pairing.under(suite, condition, before, after, told[condition.of]).items():
        for each in _scores(name, measure, draws, condition.name, {}):
            yield each.model_copy(update={"note": f"against «{condition.of}», n = {len(after):,}"})


def _resting(suite: Suite, under: Answers, told: dict[str, Answers]) -> Iterator[Score]:
    """Where the conclusions under a condition rest, where that was asked: by greyed regions, by maps of heat."""
    found: dict[str, Measure] = {}
    if under.condition in suite.greyed:
        found |= attributing.occluded(suite, under, told)
    if suite.heat is not None and under.condition == suite.conditions[0].name:
        found |= attributing.heated(suite, under, Path(suite.heat))
    draws = _Draws(under)
    for name, measure in found.items():
        yield from _scores(name, measure, draws, under.condition, {})


def _groups(suite: Suite, answers: Answers) -> Iterator[dict[str, str]]:
    """Every group that the suite breaks figures down by."""
    for key in suite.breakdown:
        levels = sorted({each.group[key] for each in answers.of if key in each.group})
        if len(levels) <= MOST_LEVELS:
            yield from ({key: level} for level in levels)


def _unparsable(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        for face in row.answer.faces if row.answer else ():
            if face.error is not None:
                yield f"{row.id}, {row.condition}: {face.error}"


def _counts(counts: Counts, rows: Sequence[Row], unparsable: int) -> Counts:
    unread = {row.id: Lost(id=row.id, reason=row.error or "") for row in rows if row.answer is None}
    lost = tuple(dict.fromkeys([*counts.lost, *unread.values()]))
    return counts.model_copy(update={"done": len(rows), "unparsable": unparsable, "lost": lost})


def _number(value: float) -> float | None:
    return None if isnan(value) else value


def _short_of(figure: Score, least: float) -> bool:
    if figure.value is None:
        return False
    return figure.value < least if figure.better == "higher" else figure.value > least
