"""The figures that suites name, each a measure of the answers under one condition.

What they are and where they come from is said in `facevlm.evaluation.metrics`; here they are given what they ask for.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from facevlm.evaluation import tables
from facevlm.evaluation.answers import Answers
from facevlm.evaluation.metrics import (
    calibration,
    emotion,
    faithfulness,
    grounding,
    measure,
    rege,
    rouge,
    temporal,
    units,
    vocabulary,
)
from facevlm.evaluation.metrics.measure import Measure
from facevlm.evaluation.rows import Row
from facevlm.evaluation.suite import Suite

Figure = Callable[[Suite, Answers], Measure]
_Judge = Callable[..., Measure]


def of_labels(judge: _Judge) -> Figure:
    """A metric of what is concluded against the label."""
    return lambda suite, answers: judge(tables.guessed(suite, answers), tables.labelled(suite, answers), suite.emotions)


def of_claims(judge: _Judge) -> Figure:
    """A metric of the units that are claimed against those coded."""
    return lambda suite, answers: judge(
        units.claimed(answers.faces, suite.units), tables.coded(suite, answers), suite.units
    )


def mean_f1_of_claims(suite: Suite, answers: Answers) -> Measure:
    """The mean F1 of the units claimed, pooled in each of the suite's folds."""
    claimed = units.claimed(answers.faces, suite.units)
    return units.mean_f1(claimed, tables.coded(suite, answers), suite.units, tables.folds(suite, answers))


def mean_f1_of_measurement(suite: Suite, answers: Answers) -> Measure:
    """The mean F1 of the units measured, pooled in each of the suite's folds."""
    shown = tables.measured_to_show(suite, answers)
    return units.mean_f1(shown, tables.coded(suite, answers), suite.units, tables.folds(suite, answers))


def of_measurement(judge: _Judge) -> Figure:
    """A metric of whether the measurement shows a unit against how it was coded."""
    return lambda suite, answers: judge(
        tables.measured_to_show(suite, answers), tables.coded(suite, answers), suite.units
    )


def found(suite: Suite, answers: Answers) -> Measure:
    """The share of labelled faces that were found."""
    return measure.rate([face is not None for face in answers.faces])


def readable(suite: Suite, answers: Answers) -> Measure:
    """Of the faces found, the share whose answer could be read."""
    return measure.rate([np.nan if face is None else face.explanation is not None for face in answers.faces])


def self_consistency(suite: Suite, answers: Answers) -> Measure:
    """Of several sampled answers to one picture, the share that says what most of them say (Wang et al., ICLR 2023)."""
    shares = []
    for each in answers.of:
        said = [face.explanation.emotion if face and face.explanation else None for face in each.draws]
        shares.append(max(map(said.count, said)) / len(said))
    return measure.average(shares)


def sides_right(suite: Suite, answers: Answers) -> Measure:
    """Of the claims of units whose side was coded, the share that names the side."""
    pairs = zip(answers.faces, answers.truths, strict=True)
    said = [
        [
            claim.side == label.side
            for claim in (face.explanation.observations if face and face.explanation else ())
            if (label := (truth.units or {}).get(claim.au)) and label.side
        ]
        for face, truth in pairs
    ]
    return measure.share([sum(each) for each in said], [len(each) for each in said])


def of_checks(part: str) -> Figure:
    """A part of what the checks against measurement found."""
    return lambda suite, answers: measure.one(faithfulness.measured(faithfulness.verdicts(answers.faces)), part)


def of_truth(part: str) -> Figure:
    """A part of how claims hold against the units that were coded."""
    return lambda suite, answers: measure.one(of_claims_alone(faithfulness.true)(suite, answers), part)


def of_claims_alone(judge: _Judge) -> Figure:
    """A metric of claims against coded units, that needs no names."""
    return lambda suite, answers: judge(units.claimed(answers.faces, suite.units), tables.coded(suite, answers))


def of_boxes(part: str) -> Figure:
    """A part of how the boxes found match the labelled ones, over the pictures all of whose faces are known."""

    def figure(suite: Suite, answers: Answers) -> Measure:
        known = [row.truth.count is not None and row.truth.count == len(row.truth.faces) for row in answers.pictures]
        pairs = zip(answers.pictures, known, strict=True)
        boxes = [(tables.boxes(row), tables.true_boxes(row)) if whole else ([], []) for row, whole in pairs]
        return measure.one(grounding.boxes([found for found, _ in boxes], [true for _, true in boxes]), part)

    return figure


def of_grounding(part: str) -> Figure:
    """A part of whether claims are attached to the right face of their picture."""

    def figure(suite: Suite, answers: Answers) -> Measure:
        said = [tables.said(row) for row in answers.pictures]
        true = [tables.true_units(row, suite) for row in answers.pictures]
        return measure.one(grounding.claims(said, true), part)

    return figure


def of_counts(judge: _Judge) -> Figure:
    """A metric of how many faces are counted."""

    def counted(row: Row) -> float:
        return len(row.answer.faces) if row.answer else np.nan

    return lambda suite, answers: judge(
        [counted(row) for row in answers.pictures],
        [np.nan if row.truth.count is None else row.truth.count for row in answers.pictures],
    )


def rouge_l(suite: Suite, answers: Answers) -> Measure:
    """What is written of each face against its reference text."""
    return rouge.rouge_l(tables.texts(answers), [truth.text for truth in answers.truths])


def of_rege(part: str) -> Figure:
    """A part of REGE: recognition is of emotions where faces are labelled so, else of action units."""

    def figure(suite: Suite, answers: Answers) -> Measure:
        by_label = any(truth.emotion for truth in answers.truths)
        recognition = of_labels(emotion.accuracy) if by_label else mean_f1_of_claims
        return measure.one(rege.rege(recognition(suite, answers), rouge_l(suite, answers)), part)

    return figure


def of_compounds(judge: _Judge) -> Figure:
    """A metric of the compound expression whose two emotions are likeliest together, against the label."""
    return lambda suite, answers: judge(
        emotion.labels(tables.compounds(suite, answers), suite.compounds),
        emotion.labels((truth.compound for truth in answers.truths), suite.compounds),
        suite.compounds,
    )


def of_words(part: str) -> Figure:
    """A part of how the emotion words of an answer overlap with the reference's."""

    def figure(suite: Suite, answers: Answers) -> Measure:
        words = vocabulary.load(Path(suite.wheels) if suite.wheels else None)
        true = [truth.labels for truth in answers.truths]
        return measure.one(vocabulary.overlap(tables.words(answers, words), true, words), part)

    return figure


def of_events(part: str) -> Figure:
    """A part of how the expressions that follow one another on a clip match those labelled."""
    return lambda suite, answers: measure.one(temporal.events(*tables.events(answers)), part)


def one_of_two(suite: Suite, answers: Answers) -> Measure:
    """The share of compound expressions of which one of the two emotions is concluded."""
    return measure.rate(tables.within(answers))


def _sureness(judge: _Judge) -> Figure:
    def figure(suite: Suite, answers: Answers) -> Measure:
        sure, right = calibration.surest(answers.faces), tables.right(suite, answers)
        return judge(np.where(np.isnan(right), np.nan, sure), right)

    return figure


def _brier(suite: Suite, answers: Answers) -> Measure:
    labels = emotion.labels(truth.emotion for truth in answers.truths)
    return calibration.brier(calibration.probabilities(answers.faces), labels)


def _against_votes(judge: _Judge) -> Figure:
    return lambda suite, answers: judge(calibration.probabilities(answers.faces), tables.votes(answers))


FIGURES: dict[str, Figure] = {
    "faces found": found,
    "answers that can be read": readable,
    "accuracy": of_labels(emotion.accuracy),
    "balanced accuracy": of_labels(emotion.balanced_accuracy),
    "macro-F1": of_labels(emotion.macro_f1),
    "macro-F1 of present classes": of_labels(emotion.present_macro_f1),
    "recall": of_labels(emotion.recall),
    "precision": of_labels(emotion.precision),
    "F1": of_labels(emotion.f1),
    "calibration error": _sureness(calibration.calibration_error),
    "Brier score": _brier,
    "divergence from votes": _against_votes(calibration.divergence),
    "earth mover's distance to votes": _against_votes(calibration.earth_mover),
    "self-consistency": self_consistency,
    "faithfulness": of_checks("faithfulness"),
    "coverage": of_checks("coverage"),
    "claims a face": of_checks("claims"),
    "true claims": of_truth("faithfulness"),
    "claims about coded units": of_truth("coverage"),
    "hallucinated AUs": of_claims_alone(faithfulness.hallucinated),
    "missed AUs": of_claims_alone(faithfulness.missed),
    "AU mean F1": mean_f1_of_claims,
    "AU F1": of_claims(units.f1),
    "measured AU mean F1": mean_f1_of_measurement,
    "measured AU F1": of_measurement(units.f1),
    "measured AU AUC": lambda suite, answers: units.auc(
        tables.measured(suite, answers), tables.coded(suite, answers), suite.units
    ),
    "measured AU ICC": lambda suite, answers: units.icc(
        tables.measured(suite, answers), tables.graded(suite, answers), suite.units
    ),
    "measured AU correlation": lambda suite, answers: units.pcc(
        tables.measured(suite, answers), tables.graded(suite, answers), suite.units
    ),
    "sides right": sides_right,
    "count accuracy": of_counts(grounding.count_accuracy),
    "count error": of_counts(grounding.count_error),
    "recall of boxes": of_boxes("recall"),
    "precision of boxes": of_boxes("precision"),
    "claims on the right face": of_grounding("right face"),
    "claims true of nobody": of_grounding("nobody"),
    "ROUGE-L": rouge_l,
    "REGE": of_rege("REGE"),
    "REGE recognition": of_rege("recognition"),
    "REGE generation": of_rege("generation"),
    "words: precision": of_words("precision"),
    "words: recall": of_words("recall"),
    "words: F": of_words("F"),
    "words told": of_words("labels"),
    "compound accuracy": of_compounds(emotion.accuracy),
    "compound balanced accuracy": of_compounds(emotion.balanced_accuracy),
    "compound recall": of_compounds(emotion.recall),
    "one of the two emotions": one_of_two,
    "events matched": of_events("matched"),
    "events in order": of_events("order"),
}
