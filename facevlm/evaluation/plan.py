"""Which questions a condition asks, in a fixed order: a second run makes the same batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from facevlm.evaluation import variations
from facevlm.evaluation.asking import Question
from facevlm.evaluation.questions import Item
from facevlm.evaluation.rows import Row
from facevlm.evaluation.suite import Condition, Suite
from facevlm.models import Model
from facevlm.models.local import LocalModel
from facevlm.types import Explanation

PAIRS = 500  # faces on which another's observations are forced


def left_out(suite: Suite, model: Model) -> dict[str, str]:
    """The conditions under which this model cannot be asked, and why."""
    return {condition.name: why for condition in suite.conditions if (why := _cannot(condition, model))}


def asked(condition: Condition, items: Sequence[Item], draws: int, rows: Sequence[Row]) -> list[list[Question]]:
    """The questions of a condition, a list for each draw. `rows` are those of the condition it is read against."""
    if condition.told in ("forced-own", "forced-other"):
        return [_forced(condition, items, rows)]
    others = _others(items) if condition.told == "exchanged" else {}
    return [[Question(item, condition, draw, others.get(item.id)) for item in items] for draw in range(draws)]


def _cannot(condition: Condition, model: Model) -> str:
    if condition.told in ("withheld", "exchanged") and model.asks != "face":
        return "a model that is asked about scenes is told no measurements"
    if condition.told.startswith("forced") and not isinstance(model, LocalModel):
        return "only a model in this process can be made to begin its answer with given words"
    return ""


def _others(items: Sequence[Item]) -> dict[str, Item]:
    """For each picture another, each once, by a fixed seed."""
    order = np.random.default_rng(0).permutation(len(items))
    return {items[place].id: items[after] for place, after in zip(order, np.roll(order, -1), strict=True)}


def _forced(condition: Condition, items: Sequence[Item], rows: Sequence[Row]) -> list[Question]:
    """Faces by a fixed seed, each with its own observations or those of another with a different label; only pictures
    in which exactly one face was found and explained."""
    told = _explained(rows)
    usable = [item for item in items if item.id in told]
    rng = np.random.default_rng(0)
    chosen = [usable[place] for place in rng.permutation(len(usable))[:PAIRS]]
    questions = []
    for item in chosen:
        others = [each for each in usable if each.truth.face.emotion != item.truth.face.emotion]
        if others:
            donor = item if condition.told == "forced-own" else others[rng.integers(len(others))]
            questions.append(Question(item, condition, other=donor, begun=variations.beginning(told[donor.id])))
    return questions


def _explained(rows: Sequence[Row]) -> Mapping[str, Explanation]:
    return {
        row.id: row.answer.faces[0].explanation
        for row in rows
        if row.draw == 0 and row.answer and len(row.answer.faces) == 1 and row.answer.faces[0].explanation
    }
