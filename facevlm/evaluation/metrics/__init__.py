"""Metrics: pure functions, a module for each family, each giving a `Measure`.

A measure has its `value`, and `intervals.figure(measure, draws)` adds the interval; with several figures (one for each
class, unit or part, named in `of`) it is `intervals.figures`, a figure by name. Give every sample of a condition in the
same order. A missing label is −1 (places in classes) or nan (numbers), so all measures of a condition share one
`draws = intervals.draw(len(rows), clusters=subjects)`, and `intervals.difference(one, other, draws)` pairs two runs.
`notes` say what is not defined or left out. Wrong shapes and values raise InputError.

`emotion` (accuracy, balanced_accuracy, macro_f1, present_macro_f1; recall, precision, f1 of each class; confusion)
and `calibration` (calibration_error, brier, divergence, earth_mover, reliability) judge the label and its
probabilities; `units` (f1, mean_f1 by fold, auc, icc, pcc) the action units; `grounding` (count_accuracy,
count_error, boxes, claims) whose they are; `faithfulness` (measured, true, hallucinated, missed) the claims; `rouge`,
`rege`, `vocabulary` and `temporal` the words; `ranking` (auroc, false_alarms of unfamiliarity) unseen classes;
`attribution` what an answer rests on; `agreement` (agreement, overlap, moved) whether two answers are the same.
`emotion.concluded`, `calibration.probabilities`, `calibration.surest`, `units.claimed` and `faithfulness.verdicts`
read faces, None for one that was not found, into what these functions take. `mean(measure)` is the mean of a
measure's figures, `one(measure, name)` one of them.
"""

from facevlm.evaluation.metrics import (
    agreement,
    attribution,
    calibration,
    emotion,
    faithfulness,
    grounding,
    ranking,
    rege,
    rouge,
    temporal,
    units,
    vocabulary,
)
from facevlm.evaluation.metrics.measure import Measure, mean, one

__all__ = [
    "Measure",
    "agreement",
    "attribution",
    "calibration",
    "emotion",
    "faithfulness",
    "grounding",
    "mean",
    "one",
    "ranking",
    "rege",
    "rouge",
    "temporal",
    "units",
    "vocabulary",
]
