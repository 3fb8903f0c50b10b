"""Answers and labels as the arrays that metrics take, row by row the same face."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from math import prod

import numpy as np
from numpy.typing import NDArray

from facevlm import facs
from facevlm.data.sample import UnitLabel
from facevlm.errors import InputError
from facevlm.evaluation.answers import Answered, Answers, concluded
from facevlm.evaluation.metrics import emotion
from facevlm.evaluation.metrics.grounding import Said
from facevlm.evaluation.metrics.vocabulary import Vocabulary
from facevlm.evaluation.questions import shows
from facevlm.evaluation.rows import Row
from facevlm.evaluation.suite import Suite
from facevlm.faces.action_units import THRESHOLDS
from facevlm.types import EMOTIONS, INTENSITY_VALUES, Box, Emotion, Explanation, FaceAnalysis

Table = NDArray[np.float64]


def guessed(suite: Suite, answers: Answers) -> emotion.Labels:
    """(n,) the emotion concluded, a place among the suite's; −1 for none and for one that is not among them."""
    told = (face.explanation if face else None for face in answers.faces)
    return emotion.labels((each.emotion if each else None for each in told), suite.emotions)


def labelled(suite: Suite, answers: Answers) -> emotion.Labels:
    """(n,) the label, a place among the suite's emotions, −1 for none."""
    return emotion.labels((truth.emotion for truth in answers.truths), suite.emotions)


def right(suite: Suite, answers: Answers) -> Table:
    """(n,) 1 where the label is concluded, 0 where it is not, nan without a label."""
    truth = labelled(suite, answers)
    return np.where(truth >= 0, guessed(suite, answers) == truth, np.nan)


def votes(answers: Answers) -> Table:
    """(n, 8) the shares of the votes, nan where nobody voted."""
    rows = [[truth.votes.get(each, 0.0) if truth.votes else np.nan for each in EMOTIONS] for truth in answers.truths]
    return np.array(rows, np.float64).reshape(-1, len(EMOTIONS))


def coded(suite: Suite, answers: Answers) -> Table:
    """(n, units) 1 where a unit shows, 0 where it does not, nan where it was not coded."""
    return _of_labels(suite, answers, lambda label: float(shows(label, suite)))


def graded(suite: Suite, answers: Answers) -> Table:
    """(n, units) the coded intensity from 0 to 1, nan where it was not coded or not graded."""
    return _of_labels(suite, answers, _grade)


def measured(suite: Suite, answers: Answers) -> Table:
    """(n, units) what was measured, of two sides the stronger; nan where it was not."""
    return np.array([[_strength(face, code) for code in suite.units] for face in answers.faces]).reshape(
        -1, len(suite.units)
    )


def measured_to_show(suite: Suite, answers: Answers) -> NDArray[np.bool_]:
    """(n, units) whether a unit measures at its threshold or more."""
    thresholds = np.array([THRESHOLDS[code] for code in suite.units])
    shown: NDArray[np.bool_] = np.nan_to_num(measured(suite, answers), nan=-1.0) >= thresholds
    return shown


def folds(suite: Suite, answers: Answers) -> list[int] | None:
    """The fold of each face, no subject in two: subjects are dealt out in the order of their names. None for one fold,
    and where it is not known who is in the pictures."""
    subjects = answers.subjects
    if suite.folds == 1 or subjects is None:
        return None
    dealt = {subject: place % suite.folds for place, subject in enumerate(sorted(set(subjects)))}
    return [dealt[subject] for subject in subjects]


def texts(answers: Answers) -> list[str | None]:
    """What is written of each face: how every claim shows, then what they mean; None where nothing is."""
    return [_written(face.explanation) if face and face.explanation else None for face in answers.faces]


def claims(answers: Answers) -> list[frozenset[int] | None]:
    """The units claimed of each face; None where it was not found or told nothing of."""
    told = (face.explanation if face else None for face in answers.faces)
    return [frozenset(claim.au for claim in each.observations) if each else None for each in told]


def events(answers: Answers) -> tuple[list[list[str]], list[list[str]]]:
    """What follows on each clip, told and true: the emotions of its frames in their order, each run of one emotion one
    event. Clips go by their names; a picture without «clip» and «frame» is in none.

    Raises:
        InputError: a frame is not called by a number.
    """
    clips: dict[str, list[tuple[float, Answered]]] = {}
    for each in answers.of:
        if {"clip", "frame"} <= each.group.keys():
            clips.setdefault(each.group["clip"], []).append((_frame(each), each))
    frames = [[each for _, each in sorted(clips[name], key=lambda pair: pair[0])] for name in sorted(clips)]
    told = [_runs(concluded(each.face) for each in clip) for clip in frames]
    return told, [_runs(each.truth.emotion for each in clip) for clip in frames]


def words(answers: Answers, vocabulary: Vocabulary) -> list[set[str]]:
    """The emotion words told of each face: its emotion, and what else of the vocabulary its interpretation names."""
    known = {word for wheel in vocabulary.wheels.values() for word in wheel}
    return [_words(face.explanation, known) if face and face.explanation else set() for face in answers.faces]


def boxes(row: Row) -> list[Box]:
    """The faces found in a picture."""
    return [face.box for face in row.answer.faces] if row.answer else []


def true_boxes(row: Row) -> list[Box]:
    """The labelled faces of a picture that have a box."""
    return [face.box for face in row.truth.faces if face.box]


def said(row: Row) -> list[Said]:
    """The units claimed of each face of a picture."""
    faces = row.answer.faces if row.answer else ()
    return [Said(face.box, {check.au for check in face.checks}) for face in faces]


def true_units(row: Row, suite: Suite) -> list[Said]:
    """The units that each labelled face of a picture shows."""
    return [
        Said(face.box, {code for code, label in (face.units or {}).items() if shows(label, suite)})
        for face in row.truth.faces
        if face.box
    ]


def compounds(suite: Suite, answers: Answers) -> list[str | None]:
    """Of each face the suite's compound whose two emotions have the largest product of probabilities."""
    pairs = {each.name: each.emotions for each in facs.compounds() if each.name in suite.compounds}
    return [_compound(face, pairs) for face in answers.faces]


def within(answers: Answers) -> Table:
    """(n,) 1 where the emotion concluded is one of a compound's two, nan without a compound."""
    pairs = {each.name: each.emotions for each in facs.compounds()}
    told = (face.explanation.emotion if face and face.explanation else None for face in answers.faces)
    return np.array(
        [
            np.nan if truth.compound is None else float(each in pairs[truth.compound])
            for each, truth in zip(told, answers.truths, strict=True)
        ]
    )


def _frame(face: Answered) -> float:
    try:
        return float(face.group["frame"])
    except ValueError:
        raise InputError(
            f"{face.id}: frame {face.group['frame']!r} is no number; number the frames of a clip"
        ) from None


def _runs(emotions: Iterable[str | None]) -> list[str]:
    """Each run of one emotion once; frames without one end no run."""
    return [emotion for emotion, _ in groupby(each for each in emotions if each is not None)]


def _compound(face: FaceAnalysis | None, pairs: Mapping[str, Sequence[Emotion]]) -> str | None:
    chances = face.explanation.probabilities if face and face.explanation else None
    if not chances:
        return None
    return max(pairs, key=lambda name: prod(chances[each] for each in pairs[name]))


def _words(explanation: Explanation, known: set[str]) -> set[str]:
    named = set(re.findall(r"[a-z]+", explanation.interpretation.lower()))
    return {explanation.emotion, *(named & known)}


def _written(explanation: Explanation) -> str:
    return " ".join([*(claim.evidence for claim in explanation.observations), explanation.interpretation]).strip()


def _of_labels(suite: Suite, answers: Answers, value: Callable[[UnitLabel], float]) -> Table:
    rows = [
        [value(truth.units[code]) if truth.units and code in truth.units else np.nan for code in suite.units]
        for truth in answers.truths
    ]
    return np.array(rows, np.float64).reshape(-1, len(suite.units))


def _grade(label: UnitLabel) -> float:
    if label.intensity is not None:
        return INTENSITY_VALUES[label.intensity]
    return np.nan if label.present else 0.0


def _strength(face: FaceAnalysis | None, code: int) -> float:
    if face is None:
        return np.nan
    sides = face.action_unit_sides.get(code, {}).values()
    return max((value for value in (face.action_units.get(code), *sides) if value is not None), default=np.nan)
