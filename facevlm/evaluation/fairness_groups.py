"""Gaps between groups of a data set. They are different people, so a gap tells of who was photographed how as well."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from facevlm.evaluation import fairness, intervals
from facevlm.evaluation.fairness import OUTCOMES, Fairness, Gap, Group
from facevlm.evaluation.metrics.measure import Rows, Trials, divided, tally
from facevlm.evaluation.rows import Row

FEWEST = 20  # faces a group must have to be compared


def between(rows: Sequence[Row], attribute: str, group_of: Callable[[Row], str | None]) -> Fairness:
    """What faces of different groups differ in. Groups of fewer than FEWEST faces are left out and counted."""
    members: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        name = group_of(row)
        if name is not None:
            members[name].append(row)
    large = {name: each for name, each in sorted(members.items()) if len(each) >= FEWEST}
    found = [_compared(attribute, outcome, large) for outcome in OUTCOMES]
    return Fairness(
        groups=tuple(each for groups, _ in found for each in groups),
        gaps=tuple(each for _, gaps in found for each in gaps),
        left_out={f"{attribute}: {name}": len(each) for name, each in sorted(members.items()) if name not in large},
    )


def _compared(attribute: str, outcome: str, members: dict[str, list[Row]]) -> tuple[list[Group], list[Gap]]:
    """An outcome of each group that has it, and their gap where there are several."""
    known = [
        (name, row.group.get("subject", row.id), value)
        for name, rows in members.items()
        for row in rows
        if not np.isnan(value := OUTCOMES[outcome](row))
    ]
    if not known:
        return [], []
    names = list(dict.fromkeys(name for name, _, _ in known))
    of = np.array([names.index(name) for name, _, _ in known])
    return _figures(attribute, outcome, names, of, [who for _, who, _ in known], np.array([each for *_, each in known]))


def _figures(
    attribute: str,
    outcome: str,
    names: Sequence[str],
    of: NDArray[np.int64],
    people: Sequence[str],
    values: NDArray[np.float64],
) -> tuple[list[Group], list[Gap]]:
    """Of values (faces,), with the group each is of and who is on it."""
    places = of[:, None] == np.arange(len(names))
    each = Trials(places * values[:, None], places.astype(np.float64))
    sums = np.concatenate(each, 1)
    draws = intervals.draw(len(sums), people)
    means = intervals.figures(tally(sums, _means, of=names, trials=each), draws)
    groups = [
        Group(attribute=attribute, group=name, outcome=outcome, value=figure.value,
              low=fairness.end(figure.low), high=fairness.end(figure.high), n=int((of == place).sum()))
        for place, (name, figure) in enumerate(means.items())
    ]  # fmt: skip
    if len(names) == 1:
        return groups, []
    widest = intervals.figure(tally(sums, lambda each: np.ptp(_means(each), -1)), draws)
    by_name = {name: figure.value for name, figure in means.items()}
    return groups, [fairness.gap(attribute, outcome, by_name, widest, _by_chance(sums, people))]


def _by_chance(sums: Rows, people: Sequence[str]) -> float:
    """How often groups of people put together at random are as far apart."""
    _, person = np.unique(people, return_inverse=True)
    total = np.stack([np.bincount(person, column) for column in sums.T], 1)
    part, whole = np.split(total, 2, -1)
    rng = np.random.default_rng(0)
    group = whole.argmax(1)[:, None] == np.arange(whole.shape[1])
    each = np.stack([part.sum(1), whole.sum(1)])  # of a person: what is right, and faces
    drawn = np.stack([each @ rng.permutation(group) for _ in range(intervals.RESAMPLES)])
    gaps = np.ptp(divided(drawn[:, 0], drawn[:, 1]), -1)
    as_wide = gaps >= np.ptp(_means(sums.sum(0))) - 1e-9
    return float((as_wide.sum() + 1) / (len(gaps) + 1))


def _means(sums: Rows) -> Rows:
    part, whole = np.split(sums, 2, -1)
    return divided(part, whole)
