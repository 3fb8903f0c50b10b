"""Distributions over the same labels: pooled into one, and how far two are apart. Labels are the last axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

FLOOR = 1e-6  # the least probability an opinion is taken to give, so that one opinion alone rules nothing out

Rows = NDArray[np.float64]


def softmax(logits: ArrayLike) -> Rows:
    """Logits → probabilities, (…, labels)."""
    given = np.asarray(logits, np.float64)
    powers = np.exp(given - given.max(-1, keepdims=True))
    shares: Rows = powers / powers.sum(-1, keepdims=True)
    return shares


def pooled(opinions: Sequence[ArrayLike], weights: Sequence[float]) -> Rows:
    """The log-linear pool p ∝ ∏ pₖ^wₖ of several opinions, (…, labels) (Genest & Zidek, Statistical Science, 1986).

    A weight of 1 takes an opinion as it is, less than 1 as less sure than it says.
    """
    logs = [np.log(np.maximum(np.asarray(each, np.float64), FLOOR)) for each in opinions]
    return softmax(sum(weight * log for weight, log in zip(weights, logs, strict=True)))


def divergence(one: ArrayLike, other: ArrayLike) -> Rows:
    """Jensen & Shannon's divergence in bits (Lin, IEEE Transactions on Information Theory, 1991), (…): 0 where two
    opinions are the same, 1 where they share nothing, nan where one is not known."""
    first, second = np.asarray(one, np.float64), np.asarray(other, np.float64)
    between = (first + second) / 2
    apart: Rows = (_relative(first, between) + _relative(second, between)) / 2
    return apart


def _relative(one: Rows, other: Rows) -> Rows:
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(one > 0, one * np.log2(one / other), 0 * one)
    total: Rows = terms.sum(-1)
    return total
