"""What a matcher's facevlm.json holds beside its training, fitted on faces that nothing was trained on: the
temperature, the weights of the fusion with the VLM, and when a face fits none of the emotions.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matched
import numpy as np
from matched import Faces, Table
from numpy.typing import NDArray
from scipy.optimize import minimize

from facevlm import files
from facevlm.config import model_folder
from facevlm.matching import unseen
from facevlm.matching.distributions import divergence, pooled, softmax
from facevlm.matching.matcher import FACTS, Matcher, Vectors
from facevlm.matching.matching import Choice
from facevlm.types import EMOTIONS, Emotion

MOST = 1000  # faces the VLM is asked about
TRUE, VLM = "truest label", "the VLM disagrees"


def fit(matcher: Matcher, faces: Faces, seen: Vectors, answers: Path) -> dict[str, Any]:
    """The facts for faces with a label, (n, dim) embeddings of theirs, and the folder of the VLM's answers."""
    logits = matched.logits(matcher, seen, EMOTIONS)
    divisor = temperature(logits, faces.majority)
    given = softmax(logits / divisor)
    some, told = matched.told(faces, answers, MOST)
    a, b = weights(told, given[np.isin(faces.names, some.names)], some.majority)
    rule = unseen.fitted(unseen.scores(logits / divisor, faces.units, EMOTIONS))
    return {
        "temperature": round(divisor, 3),
        "fusion": {"model": round(a, 3), "matcher": round(b, 3)},
        "unseen": rule.model_dump(),
    }


def scores(
    matcher: Matcher, seen: Vectors, units: NDArray[np.float32], known: Sequence[Emotion], told: Table
) -> dict[str, Table]:
    """How little each face fits any of the emotions a matcher knows, by every score there is."""
    logits = matched.logits(matcher, seen, known) / matcher.temperature
    given = np.zeros((len(seen), len(EMOTIONS)))
    given[:, [EMOTIONS.index(each) for each in known]] = softmax(logits)
    true = {TRUE: unseen.none_true(Choice(matcher, known).alone(seen))} if matcher.bias is not None else {}
    return unseen.scores(logits, units, known) | true | {VLM: divergence(told, given)}


def write(model: str, facts: dict[str, Any]) -> None:
    """Put facts into the facevlm.json of a matcher that ships, or of a folder."""
    folder = model_folder(model, FACTS)
    assert folder is not None  # the matcher was loaded from there
    whole = json.loads((folder / FACTS).read_text(encoding="utf-8")) | facts
    files.write(folder / FACTS, json.dumps(whole, indent=1) + "\n")


def temperature(logits: Table, truth: NDArray[np.int64]) -> float:
    """The divisor of logits under which the truth is likeliest (Guo et al., ICML 2017)."""
    found = minimize(lambda log: _surprise(logits / np.exp(log[0]), truth), [0.0], method="Nelder-Mead")
    return float(np.exp(found.x[0]))


def weights(told: Table, given: Table, truth: NDArray[np.int64]) -> tuple[float, float]:
    """Of the log-linear pool of the VLM and the matcher, under which the truth is likeliest."""
    known = ~(np.isnan(told).any(1) | np.isnan(given).any(1))

    def surprise(weights: NDArray[np.float64]) -> float:
        return _surprise(np.log(pooled([told[known], given[known]], np.abs(weights).tolist())), truth[known])

    found = np.abs(minimize(surprise, [1.0, 0.5], method="Nelder-Mead").x)
    return float(found[0]), float(found[1])


def _surprise(logits: Table, truth: NDArray[np.int64]) -> float:
    """The mean of −log p of the truth."""
    shares = softmax(logits)[np.arange(len(truth)), truth]
    return float(-np.log(np.maximum(shares, 1e-12)).mean())
