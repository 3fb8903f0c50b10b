"""What reinforcement gained: the rewards of the same held-out rows, answered greedily before and after it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facevlm import files
from facevlm.training.tuning.rewards import REWARDS, Name
from facevlm.training.tuning.targets import Row
from facevlm.types import Value

DRAWS = 10_000
TOTAL = "total"

Scores = dict[str, NDArray[np.float64]]  # name → (rows,), NaN where a row is not scored in it


class Gain(Value):
    """One reward before and after, means over rows, and the difference with its 95 % interval."""

    before: float
    after: float
    difference: float
    low: float
    high: float
    rows: int


def scored(texts: Sequence[str], rows: Sequence[Row], weights: Mapping[Name, float]) -> Scores:
    """The rewards of answers to rows, each by itself and, under `total`, added up by their weights as in training."""
    found: Scores = {
        name: np.array([reward(text, row) for text, row in zip(texts, rows, strict=True)], np.float64)
        for name, reward in REWARDS.items()
    }
    found[TOTAL] = np.nansum([weight * found[name] for name, weight in weights.items()], axis=0)
    return found


def gains(before: Scores, after: Scores, seed: int) -> dict[str, Gain]:
    """What each reward changed by, over the rows scored in it; one that scores no row is left out."""
    return {name: gain(before[name], after[name], seed) for name in before if not np.isnan(before[name]).all()}


def gain(before: NDArray[np.float64], after: NDArray[np.float64], seed: int) -> Gain:
    """The mean difference of (rows,) pairs, with the percentile interval of a paired bootstrap over rows.

    Both are drawn together (Efron & Tibshirani, An Introduction to the Bootstrap, 1993): rows differ by far more than
    two answers to one row do.
    """
    known = ~np.isnan(before) & ~np.isnan(after)
    pairs = (after - before)[known]
    drawn = np.random.default_rng(seed).integers(len(pairs), size=(DRAWS, len(pairs)))
    low, high = np.percentile(pairs[drawn].mean(1), [2.5, 97.5])
    numbers = [round(float(each), 4) for each in (before[known].mean(), after[known].mean(), pairs.mean(), low, high)]
    return Gain(**dict(zip(Gain.model_fields, numbers, strict=False)), rows=len(pairs))


def helped(found: Mapping[str, Gain]) -> bool:
    """Whether the total is higher, and not by chance: its interval lies above 0."""
    return found[TOTAL].low > 0


def keep(texts: Sequence[str], file: Path) -> None:
    """Write answers as JSON lines, whole or not at all."""
    files.write(file, "".join(json.dumps(text, ensure_ascii=False) + "\n" for text in texts))


def kept(file: Path) -> list[str] | None:
    """Answers that were kept; None where there are none."""
    lines: list[Any] = file.read_text(encoding="utf-8").split("\n")[:-1] if file.is_file() else []
    return [json.loads(line) for line in lines] or None
