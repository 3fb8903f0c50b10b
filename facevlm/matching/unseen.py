"""Whether a face fits none of the labels asked about. Every score is higher for a face that fits them less.

By the matcher alone: its logits, and how true each label is by itself. By what else is known of the face: how far a
language model disagrees, and the action units measured on it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facevlm import facs
from facevlm.matching.captions import present
from facevlm.matching.distributions import Rows, softmax
from facevlm.matching.matcher import Matcher
from facevlm.types import AU_CODES, Emotion, Value

ACCEPTED = 0.95  # share of the faces of known labels that a threshold lets pass
COMBINED = ("energy", "largest probability", "action units")  # the scores that make up the combined one


class Spread(Value):
    """What a score is of faces of known labels: their mean, and one standard deviation."""

    mean: float
    deviation: float


class Rule(Value):
    """When a face is said to fit none of the labels: its combined score is above the threshold.

    A matcher's `facevlm.json` holds its own as «unseen», fitted on faces it was not trained on.
    """

    spreads: dict[str, Spread]
    threshold: float


def rule(matcher: Matcher) -> Rule | None:
    """That of a matcher; None where it brings none."""
    return Rule(**matcher.facts["unseen"]) if "unseen" in matcher.facts else None


def unfit(by: Rule, scores: Mapping[str, ArrayLike]) -> NDArray[np.bool_]:
    """Whether each face fits none of the labels, (n,), from the scores that `scores` gives."""
    return combined(scores, by.spreads) > by.threshold


def scores(logits: ArrayLike, units: ArrayLike, known: Sequence[Emotion]) -> dict[str, Rows]:
    """Those of the matcher and of the measured action units, by name; nan where a face is not known.

    Args:
        logits: (n, labels) scale × cosine ÷ temperature.
        units: (n, 24) measured strengths in 0–1; NaN where unmeasured.
        known: the emotions that the labels are.
    """
    given = np.asarray(logits, np.float64)
    concluded = [known[place] for place in np.nan_to_num(given).argmax(1)]
    return {
        "largest logit": largest_logit(given),
        "energy": energy(given),
        "largest probability": largest_probability(given),
        "action units": np.where(np.isnan(given).any(1), np.nan, against_units(concluded, units)),
    }


def largest_logit(logits: ArrayLike) -> Rows:
    """The largest logit of (n, labels), negated (Hendrycks et al., ICML 2022; Vaze et al., ICLR 2022), (n,)."""
    score: Rows = -np.asarray(logits, np.float64).max(1)
    return score


def energy(logits: ArrayLike) -> Rows:
    """The free energy −log Σ exp of (n, labels) logits (Liu et al., NeurIPS 2020), (n,)."""
    given = np.asarray(logits, np.float64)
    top = given.max(1)
    score: Rows = -(top + np.log(np.exp(given - top[:, None]).sum(1)))
    return score


def largest_probability(logits: ArrayLike) -> Rows:
    """What the likeliest label leaves of 1, from (n, labels) logits (Hendrycks & Gimpel, ICLR 2017), (n,)."""
    score: Rows = 1 - softmax(logits).max(1)
    return score


def none_true(alone: ArrayLike) -> Rows:
    """What the truest label leaves of 1, from (n, labels) how true each is by itself: the matcher's sigmoids, (n,)."""
    score: Rows = 1 - np.asarray(alone, np.float64).max(1)
    return score


def against_units(concluded: Sequence[Emotion], units: ArrayLike) -> Rows:
    """How little the action units of a face fit the emotion that is concluded, (n,) in 0–1.

    The mean of two shares: how much is missing of the prototype it fits best, and how much of what is seen is not
    typical of the emotion: strange / (1 + all seen). For neutral, which has no prototype, nothing is missing.

    Args:
        concluded: the emotion of each of n faces.
        units: (n, 24) measured strengths in 0–1; NaN where unmeasured, which says nothing.
    """
    seen = present(np.asarray(units, np.float32)).astype(np.float64)
    fits = {each: (_missing(each, seen) + _strange(each, seen)) / 2 for each in set(concluded)}
    return np.array([fits[each][row] for row, each in enumerate(concluded)], np.float64)


def spread(score: ArrayLike) -> Spread:
    """That of the scores of faces whose labels are known."""
    given = np.asarray(score, np.float64)
    return Spread(mean=float(given.mean()), deviation=float(max(given.std(), 1e-9)))


def combined(scores: Mapping[str, ArrayLike], spreads: Mapping[str, Spread]) -> Rows:
    """The mean of the scores that have a spread, each in its standard deviations from its mean, (n,)."""
    standard = [(np.asarray(scores[name], np.float64) - each.mean) / each.deviation for name, each in spreads.items()]
    mean: Rows = np.mean(standard, axis=0)
    return mean


def threshold(score: ArrayLike, accepted: float = ACCEPTED) -> float:
    """The score that this share of faces of known labels does not exceed."""
    return float(np.quantile(np.asarray(score, np.float64), accepted))


def fitted(scores: Mapping[str, ArrayLike], names: Collection[str] = COMBINED, accepted: float = ACCEPTED) -> Rule:
    """The rule for scores of faces whose labels are known and that the matcher was not trained on."""
    spreads = {name: spread(scores[name]) for name in names}
    return Rule(spreads=spreads, threshold=threshold(combined(scores, spreads), accepted))


def _missing(emotion: Emotion, seen: Rows) -> Rows:
    """(n,) of the prototype that is the most complete, the share of its units that is not seen."""
    rows = [[AU_CODES.index(code) for code in sorted(each.required)] for each in facs.prototypes(emotion)]
    if not rows:
        return np.zeros(len(seen))
    missing: Rows = 1 - np.max([_known_mean(seen[:, each]) for each in rows], axis=0)
    return missing


def _strange(emotion: Emotion, seen: Rows) -> Rows:
    """(n,) how much of what is seen is not typical of the emotion."""
    typical = np.array([code in facs.typical(emotion) for code in AU_CODES])
    known = np.nan_to_num(seen)
    strange: Rows = known[:, ~typical].sum(1) / (1 + known.sum(1))
    return strange


def _known_mean(seen: Rows) -> Rows:
    """(n,) the mean of what is measured of (n, units); 1 where nothing is, which is then not missing."""
    count = (~np.isnan(seen)).sum(1)
    return np.where(count > 0, np.nan_to_num(seen).sum(1) / np.maximum(count, 1), 1)
