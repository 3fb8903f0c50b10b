"""Two sets of answers about the same faces: how often they say the same, and by how much each figure differs."""

from __future__ import annotations

from facevlm.evaluation import attributing, intervals, tables
from facevlm.evaluation.answers import Answers
from facevlm.evaluation.figures import FIGURES
from facevlm.evaluation.metrics import agreement, measure
from facevlm.evaluation.metrics.measure import Measure
from facevlm.evaluation.suite import Condition, Suite


def under(
    suite: Suite, condition: Condition, before: Answers, after: Answers, all_before: Answers
) -> dict[str, Measure]:
    """What a condition changes; `before` and `after` hold the same faces, `all_before` those that only one has too."""
    if condition.told == "forced-other":
        return forced(suite, before, after, all_before)
    greyed = condition.name in suite.greyed.get(before.condition, {})
    return of(suite, before, after) | ({"probability lost": attributing.lost(before, after)} if greyed else {})


def of(suite: Suite, before: Answers, after: Answers) -> dict[str, Measure]:
    """Agreement of the conclusions and of the units claimed, and the change of each figure of all faces from `before`
    to `after`."""
    same = agreement.agreement(tables.guessed(suite, before), tables.guessed(suite, after), suite.emotions)
    units = agreement.overlap(tables.claims(before), tables.claims(after))
    told = {"agreement": measure.one(same, "equal"), "kappa": measure.one(same, "kappa"), "same action units": units}
    return told | {f"change of {name}": each for name, each in changes(suite, before, after).items() if not each.of}


def changes(suite: Suite, before: Answers, after: Answers) -> dict[str, Measure]:
    """The change of each of the suite's figures; both sides hold the same faces in one order."""
    pairs = {name: (FIGURES[name](suite, before), FIGURES[name](suite, after)) for name in suite.metrics}
    same = {name: (old, new) for name, (old, new) in pairs.items() if (old.size, old.of) == (new.size, new.of)}
    return {name: intervals.paired(new, old) for name, (old, new) in same.items()}


def forced(suite: Suite, before: Answers, after: Answers, all_before: Answers) -> dict[str, Measure]:
    """What becomes of conclusions once another face's observations are forced on an answer."""
    concluded = dict(zip((each.id for each in all_before.of), tables.guessed(suite, all_before), strict=True))
    theirs = [concluded[each.group["other"]] for each in after.of]
    both = agreement.moved(tables.guessed(suite, before), tables.guessed(suite, after), theirs)
    return {"conclusions moved": measure.one(both, "moved"), "conclusions that follow": measure.one(both, "followed")}
