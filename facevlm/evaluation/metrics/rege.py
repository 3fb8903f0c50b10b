"""REGE: recognition and generation together, as FABA-Bench scores explaining models."""

from __future__ import annotations

from facevlm.errors import InputError
from facevlm.evaluation.metrics.measure import Measure, together


def rege(recognition: Measure, generation: Measure) -> Measure:
    """«REGE» and its two parts, in points (Li et al., FABA-Bench, ECCV 2024, arXiv 2404.05052): «recognition», 100
    times the accuracy of emotions or the mean F1 of action units, and «generation», 100 times ROUGE-L; up to 200.

    The parts are told apart, as the sum hides which of them is good. Figures of papers that take the answer out of the
    text in different ways cannot be compared.
    """
    if recognition.of or generation.of:
        raise InputError("REGE is of two measures with one figure each; give accuracy or mean F1, and ROUGE-L")
    both = together({"recognition": _points(recognition), "generation": _points(generation)})
    whole = Measure(lambda weights: both.at(weights).sum(-1), both.size, both.n)
    return together({"REGE": whole, "recognition": _points(recognition), "generation": _points(generation)})


def _points(share: Measure) -> Measure:
    return Measure(lambda weights: 100 * share.at(weights), share.size, share.n, notes=share.notes)
