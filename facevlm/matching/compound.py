"""Compound expressions, two emotions at once, from what is known of a face without ever having been shown one.

Three ways, each giving a distribution over the expressions asked about: the two emotions' probabilities together, how
like the face is to both emotions' texts, and whether the action units at the expression's core are measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from math import log
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from numpy.typing import ArrayLike

from facevlm import facs
from facevlm.matching.captions import present
from facevlm.matching.distributions import FLOOR, Rows, pooled, softmax
from facevlm.types import AU_CODES, EMOTIONS

Which = Literal["c-expr", "raf-ce"]
Way = Literal["probabilities", "features", "units"]

SHOWN, STRAY = 0.7, 0.1  # how often a unit of the core is seen, and another: a core is what 70 % of people show
WEIGHTS: dict[Way, float] = {"probabilities": 1.0, "features": 0.2, "units": 0.2}  # of the ways in `fused`


def expressions(which: Which) -> tuple[facs.Compound, ...]:
    """The compound expressions of a benchmark, in its order: the seven of C-EXPR-DB, the fourteen of RAF-CE."""
    by_name = {each.name: each for each in facs.compounds()}
    return tuple(by_name[name] for name in _table()[which]["expressions"])


def aggregated(
    probabilities: ArrayLike, asked: Sequence[facs.Compound], *, even_out: bool = False, drop_faint: bool = False
) -> Rows:
    """Pair-wise probability aggregation (AVCER, Ryumina et al., CVPR Workshops 2024): pᵢ + pⱼ, as shares of all pairs.

    Args:
        probabilities: (n, 8) of the emotions.
        asked: the m expressions.
        even_out: give the emotion of a pair that is in fewer of the pairs more weight, as AVCER may: wᵢ pᵢ + wⱼ pⱼ with
            wᵢ = sᵢ / (sᵢ + sⱼ) and sᵢ the number of pairs without the emotion i.
        drop_faint: first count what is no more than an even share of the emotions as nothing, as AVCER may.

    Returns:
        (n, m); even where nothing is left.
    """
    given = np.asarray(probabilities, np.float64)
    if drop_faint:
        given = np.where(given <= 1 / len(EMOTIONS), 0, given)
    pairs = _places(asked)
    without = np.array([len(asked) - (pairs == emotion).sum() for emotion in range(len(EMOTIONS))], np.float64)
    weights = without[pairs] / without[pairs].sum(1, keepdims=True) if even_out else np.ones(pairs.shape)
    together = (given[:, pairs] * weights).sum(2)
    sums = together.sum(1, keepdims=True)
    return np.where(sums == 0, 1 / len(asked), together / np.where(sums == 0, 1, sums))


def joint(probabilities: ArrayLike, asked: Sequence[facs.Compound]) -> Rows:
    """Both emotions at once: pᵢ · pⱼ of (n, 8) probabilities, as shares of all pairs, (n, m).

    Ranks pairs much as `aggregated` does, and is what to fuse: where one emotion is nearly sure, the sums of all its
    pairs are nearly the same, and whatever they are fused with would decide alone.
    """
    logs = np.log(np.maximum(np.asarray(probabilities, np.float64), FLOOR))
    return softmax(logs[:, _places(asked)].sum(2))


def similar(faces: ArrayLike, emotions: ArrayLike, asked: Sequence[facs.Compound], scale: float) -> Rows:
    """Pair-wise feature similarity: softmax of scale × the cosine of a face and the mean of both emotions' texts.

    Team RAS (arXiv 2507.02205) name such a method (PFSA) and publish no formula; this one is ours.

    Args:
        faces: (n, dim) of length 1.
        emotions: (8, dim) where a face that shows the emotion lies.
        asked: the m expressions.
        scale: by which a cosine becomes a logit.

    Returns:
        (n, m).
    """
    between = np.asarray(emotions, np.float64)[_places(asked)].mean(1)
    directions = between / np.linalg.norm(between, axis=1, keepdims=True)
    return softmax(scale * np.asarray(faces, np.float64) @ directions.T)


def fitting(units: ArrayLike, asked: Sequence[facs.Compound]) -> Rows:
    """How well measured action units fit the core of each expression: those at its core present, the others absent.

    Naive Bayes: at the core a unit is present with probability 0.7, the share of people from which Du, Tao & Martinez
    (PNAS 2014) count a unit to the core, and elsewhere with 0.1. A unit that is present by half counts as half of each.

    Args:
        units: (n, 24) strengths in 0–1; NaN where unmeasured, which speaks for no expression.
        asked: the m expressions.

    Returns:
        (n, m).
    """
    seen = present(np.asarray(units, np.float32)).astype(np.float64)
    odds = seen * log(SHOWN / STRAY) + (1 - seen) * log((1 - SHOWN) / (1 - STRAY))
    core = np.array([[code in each.aus for code in AU_CODES] for each in asked], np.float64)
    return softmax(np.nan_to_num(odds) @ core.T)


def fused(ways: Mapping[Way, Rows], weights: Mapping[Way, float] = WEIGHTS) -> Rows:
    """What the ways say together: their log-linear pool, (n, m); `joint` is to stand for the probabilities."""
    return pooled(list(ways.values()), [weights[way] for way in ways])


def _places(asked: Sequence[facs.Compound]) -> Any:
    """(m, 2) which emotions a pair is of."""
    return np.array([[EMOTIONS.index(each) for each in compound.emotions] for compound in asked])


@cache
def _table() -> Any:
    return yaml.safe_load((Path(__file__).parent / "compound.yaml").read_text(encoding="utf-8"))
