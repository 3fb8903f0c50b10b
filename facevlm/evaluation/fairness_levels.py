"""One factor at a time on made faces: the same person shows the same expression at every level of it.

Levels are compared pair by pair, on the faces of `data.synth.audit`, and resampled by person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from facevlm.data.synth.audit import EXPRESSION, FACTORS, HELD, table
from facevlm.evaluation import fairness, intervals
from facevlm.evaluation.fairness import OUTCOMES, Effect, Fairness, Gap, Response
from facevlm.evaluation.metrics.measure import Rows, divided, tally
from facevlm.evaluation.rows import Row
from facevlm.types import Emotion

_Who = tuple[str, Emotion]  # the person, and the expression shown
_Faces = dict[_Who, dict[str, Row]]  # at every level


def audit(rows: Sequence[Row]) -> Fairness:
    """What the answers about the faces of `data.synth.audit` show; nothing for rows about other pictures."""
    found = [
        _compared(factor, outcome, emotion, faces)
        for factor in FACTORS
        if (faces := _by_level(rows, factor))
        for outcome in OUTCOMES
        for emotion in (None, *table().expressions)
    ]
    return Fairness(
        effects=tuple(each for effects, _ in found for each in effects),
        gaps=tuple(each for _, gaps in found for each in gaps),
        responses=tuple(_responses(rows)),
    )


def _by_level(rows: Iterable[Row], factor: str) -> _Faces:
    """Each person's each expression at every level of a factor; what lacks a level is left out."""
    levels = table().levels(factor)
    faces: _Faces = defaultdict(dict)
    for row in rows:
        level = _level(row, factor)
        if level in levels and row.truth.face.emotion:
            faces[row.group.get("subject", row.id), row.truth.face.emotion][level] = row
    return {who: each for who, each in faces.items() if len(each) == len(levels)}


def _level(row: Row, factor: str) -> str | None:
    if row.group.get("factor") == factor:
        return row.group.get("level")
    return table().held.get(factor) if row.group.get("level") == HELD else None


def _compared(factor: str, outcome: str, emotion: Emotion | None, faces: _Faces) -> tuple[list[Effect], list[Gap]]:
    """An outcome at each level, of one expression or of all; nothing where no face has it at all of them."""
    levels = table().levels(factor)
    chosen = {who: each for who, each in faces.items() if emotion in (None, who[1])}
    values = np.array([[OUTCOMES[outcome](each[level]) for level in levels] for each in chosen.values()])
    whole = ~np.isnan(values).any(1) if len(values) else np.zeros(0, bool)
    if not whole.any():
        return [], []
    people = [who for (who, _), kept in zip(chosen, whole, strict=True) if kept]
    return _figures(factor, outcome, emotion, values[whole], people)


def _figures(
    factor: str, outcome: str, emotion: Emotion | None, values: NDArray[np.float64], people: Sequence[str]
) -> tuple[list[Effect], list[Gap]]:
    """Of values (faces, levels), with who is on each face."""
    levels = table().levels(factor)
    sums = np.column_stack([values, np.ones(len(values))])
    draws = intervals.draw(len(sums), people)
    means = dict(zip(levels, values.mean(0).tolist(), strict=True))
    away = intervals.figures(replace(tally(sums, lambda each: _centred(_mean(each)), of=levels), paired=True), draws)
    widest = intervals.figure(replace(tally(sums, lambda each: np.ptp(_mean(each), -1)), paired=True), draws)
    effects = [
        Effect(factor=factor, level=level, outcome=outcome, emotion=emotion, value=means[level],
               difference=figure.value, low=fairness.end(figure.low), high=fairness.end(figure.high), n=len(sums))
        for level, figure in away.items()
    ]  # fmt: skip
    return effects, [fairness.gap(factor, outcome, means, widest, _by_chance(values, people), emotion)]


def _by_chance(values: NDArray[np.float64], people: Sequence[str]) -> float:
    """How often levels that mean nothing, exchanged for each person as a whole, are as far apart."""
    _, person = np.unique(people, return_inverse=True)
    shape = (intervals.RESAMPLES, int(person.max()) + 1, values.shape[1])
    orders = np.random.default_rng(0).random(shape).argsort(-1)
    sums = np.zeros((len(orders), values.shape[1]))
    for row, who in zip(values, person, strict=True):
        sums += row[orders[:, who]]
    as_wide = np.ptp(sums, axis=-1) >= np.ptp(values.sum(0)) - 1e-9
    return float((as_wide.sum() + 1) / (len(orders) + 1))


def _responses(rows: Iterable[Row]) -> Iterator[Response]:
    held = [row for row in rows if row.group.get("factor") == EXPRESSION]
    answers = {(row.group.get("subject"), row.truth.face.emotion): _answer(row) for row in held}
    for emotion in table().expressions:
        shown = [(who, answer) for (who, each), answer in answers.items() if each == emotion]
        moved = [answer != answers[who, "neutral"] for who, answer in shown if (who, "neutral") in answers]
        if shown:
            yield Response(
                emotion=emotion,
                named=sum(answer == emotion for _, answer in shown) / len(shown),
                moved=sum(moved) / len(moved) if moved and emotion != "neutral" else None,
                n=len(shown),
            )


def _answer(row: Row) -> str | None:
    return row.face.explanation.emotion if row.face and row.face.explanation else None


def _mean(sums: Rows) -> Rows:
    """(…, levels + 1), sums and their number → (…, levels)."""
    return divided(sums[..., :-1], sums[..., -1:])


def _centred(means: Rows) -> Rows:
    centred: Rows = means - means.mean(-1, keepdims=True)
    return centred
