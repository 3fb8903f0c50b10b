"""What is concluded, against scikit-learn and by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sklearn

from facevlm.errors import InputError
from facevlm.evaluation import intervals
from facevlm.evaluation.metrics import Measure, emotion
from facevlm.types import EMOTIONS

CLASSES = ("calm", "glad", "sad")
TRUTH = np.random.default_rng(0).integers(0, 7, 1000)  # contempt never occurs
GUESS = np.where(np.random.default_rng(1).random(1000) < 0.6, TRUTH, np.random.default_rng(2).integers(-1, 8, 1000))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (emotion.accuracy, sklearn.accuracy_score),
        (
            emotion.macro_f1,
            lambda t, g: sklearn.f1_score(t, g, labels=range(8), average="macro", zero_division=0),
        ),
        (
            emotion.present_macro_f1,
            lambda t, g: sklearn.f1_score(t, g, labels=range(7), average="macro", zero_division=0),
        ),
        (emotion.balanced_accuracy, lambda t, g: sklearn.recall_score(t, g, labels=range(7), average="macro")),
    ],
)
def test_it_is_what_scikit_learn_says(ours: Callable[..., Measure], theirs: Callable[..., float]) -> None:
    assert ours(GUESS, TRUTH).value == pytest.approx(theirs(TRUTH, GUESS), abs=1e-9)


@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
def test_it_is_what_scikit_learn_says_of_each_class(name: str) -> None:
    theirs = getattr(sklearn, f"{name}_score")(TRUTH, GUESS, labels=range(7), average=None)
    measure = getattr(emotion, name)(GUESS, TRUTH)
    assert measure.of == EMOTIONS
    assert measure.value[:7] == pytest.approx(theirs, abs=1e-9)


def test_balanced_accuracy_is_scikit_learns_where_every_class_is_told() -> None:
    told = GUESS >= 0
    theirs = sklearn.balanced_accuracy_score(TRUTH[told], np.minimum(GUESS[told], 6))
    assert emotion.balanced_accuracy(np.minimum(GUESS, 6)[told], TRUTH[told]).value == pytest.approx(theirs, abs=1e-9)


def test_four_faces_by_hand() -> None:
    truth, guess = [0, 0, 1, 1], [0, 0, 1, -1]  # the last face was not found
    assert emotion.accuracy(guess, truth, CLASSES).value == 3 / 4
    assert emotion.balanced_accuracy(guess, truth, CLASSES).value == (1 + 1 / 2) / 2
    assert emotion.macro_f1(guess, truth, CLASSES).value == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert emotion.present_macro_f1(guess, truth, CLASSES).value == pytest.approx((1 + 2 / 3) / 2)
    assert emotion.confusion(guess, truth, CLASSES).tolist() == [[2, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]]


def test_present_macro_f1_charges_an_answer_that_falls_into_an_absent_class() -> None:
    assert emotion.present_macro_f1([0, 2], [0, 0], CLASSES).value == pytest.approx(2 / 3)


def test_macro_f1_over_some_classes_still_counts_answers_of_the_others_as_wrong() -> None:
    assert emotion.macro_f1([0, 2, 1], [0, 0, 1], CLASSES, over=("calm", "glad")).value == pytest.approx(
        (2 / 3 + 1) / 2
    )


def test_a_class_that_does_not_occur_is_said_and_has_no_recall() -> None:
    measure = emotion.recall([0, 1], [0, 1], CLASSES)
    assert measure.notes == ("sad: does not occur in the truth",)
    assert np.isnan(measure.value[2])


def test_a_class_that_is_never_told_has_no_precision() -> None:
    assert np.isnan(emotion.precision([0, 0], [0, 1], CLASSES).value[1])


def test_a_face_without_a_label_does_not_count() -> None:
    measure = emotion.accuracy([0, 1, 2], [0, -1, 1], CLASSES)
    assert (measure.value, measure.n, measure.size) == (1 / 2, 2, 3)


def test_without_any_label_there_is_no_figure() -> None:
    figure = intervals.figure(emotion.accuracy([0, 1], [-1, -1], CLASSES))
    assert np.isnan([figure.value, figure.low, figure.high]).all()


def test_where_all_are_of_one_class_the_others_are_not_charged_in_balanced_accuracy() -> None:
    assert emotion.balanced_accuracy([1, 1, 0, 1], [1, 1, 1, 1], CLASSES).value == 3 / 4


def test_each_figure_of_a_class_tells_how_many_faces_it_is_of() -> None:
    figures = intervals.figures(emotion.recall([0, 0, 1], [0, 0, 1], CLASSES))
    assert [figures[name].n for name in CLASSES] == [2, 1, 0]


@pytest.mark.parametrize("label", [3, -2, 0.5])
def test_a_label_outside_the_classes_is_refused_with_its_row(label: float) -> None:
    with pytest.raises(InputError, match=f"truth, row 2: {label} is no class of 3"):
        emotion.accuracy([0, 0], [0, label], CLASSES)


def test_nan_is_no_label() -> None:
    with pytest.raises(InputError, match="guess, row 1: nan"):
        emotion.accuracy([np.nan], [0], CLASSES)


def test_answers_and_labels_must_be_of_the_same_faces() -> None:
    with pytest.raises(InputError, match="guess 1, truth 2"):
        emotion.accuracy([0], [0, 0], CLASSES)


def test_names_become_places_and_an_unknown_one_is_none() -> None:
    assert emotion.labels(["sad", None, "angry", "calm"], CLASSES).tolist() == [2, -1, -1, 0]


def test_a_face_that_was_not_found_concludes_nothing(face: Any) -> None:
    unexplained = face().model_copy(update={"explanation": None})
    assert emotion.concluded([face("anger"), None, unexplained]).tolist() == [EMOTIONS.index("anger"), -1, -1]
