"""Whose claims are: counts, boxes and claims, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, mean_absolute_error

from facevlm.errors import InputError
from facevlm.evaluation.metrics import grounding
from facevlm.evaluation.metrics.grounding import Said
from facevlm.types import Box

LEFT, RIGHT, FAR = (Box(x=x, y=0, width=10, height=10) for x in (0, 20, 100))


def moved(box: Box, by: float) -> Box:
    return box.model_copy(update={"x": box.x + by})


def test_counts_are_scored_as_scikit_learn_does() -> None:
    rng = np.random.default_rng(0)
    true, counted = rng.integers(0, 6, 200), rng.integers(0, 6, 200)
    assert grounding.count_accuracy(counted, true).value == pytest.approx(accuracy_score(true, counted), abs=1e-9)
    assert grounding.count_error(counted, true).value == pytest.approx(mean_absolute_error(true, counted), abs=1e-9)


def test_a_count_that_is_missing_is_wrong_and_off_by_nothing() -> None:
    assert grounding.count_accuracy([2, np.nan], [2, 3]).value == 1 / 2
    assert grounding.count_error([4, np.nan], [2, 3]).value == 2


def test_a_picture_whose_faces_are_not_known_does_not_count() -> None:
    measure = grounding.count_accuracy([2, 3], [2, np.nan])
    assert (measure.value, measure.n) == (1, 1)


def test_a_face_is_that_of_the_box_it_overlaps_by_half() -> None:
    assert grounding.matched([moved(RIGHT, 2), moved(LEFT, 3)], [LEFT, RIGHT]).tolist() == [1, 0]
    assert grounding.matched([moved(LEFT, 4)], [LEFT]).tolist() == [-1]  # 6 of 14 columns


def test_a_box_is_one_face_s_and_the_closest_has_it() -> None:
    assert grounding.matched([moved(LEFT, 2), LEFT], [LEFT]).tolist() == [-1, 0]


def test_as_many_faces_as_possible_get_a_box() -> None:
    first, second = LEFT, moved(LEFT, 3)
    # The first box is closest to the first face, but the second box fits that face alone.
    assert grounding.matched([first, moved(LEFT, -3)], [first, second]).tolist() == [1, 0]


def test_faces_found_are_counted_by_recall_and_precision() -> None:
    measure = grounding.boxes([[LEFT, FAR], []], [[LEFT, RIGHT], [LEFT]])
    assert measure.value == pytest.approx([1 / 3, 1 / 2])


def test_a_claim_is_on_the_right_face_or_on_another() -> None:
    true = [Said(LEFT, {12, 6}), Said(RIGHT, {4})]
    right, swapped = ([Said(LEFT, one), Said(RIGHT, other)] for one, other in (({12}, {4}), ({4}, {12})))
    assert grounding.claims([right], [true]).value.tolist() == [1, 0]
    assert grounding.claims([swapped], [true]).value.tolist() == [0, 0]
    assert grounding.claims([right, swapped], [true, true]).value[0] == 1 / 2


def test_what_every_face_shows_cannot_be_on_a_wrong_one() -> None:
    true = [Said(LEFT, {12, 25}), Said(RIGHT, {12})]
    measure = grounding.claims([[Said(LEFT, {12}), Said(RIGHT, {12, 25})]], [true])
    assert measure.value.tolist() == [0, 0]  # of AU25 alone


def test_what_nobody_shows_is_counted_apart() -> None:
    true = [Said(LEFT, {12}), Said(RIGHT, {4})]
    assert grounding.claims([[Said(LEFT, {12, 9})]], [true]).value.tolist() == [1, 1 / 2]


def test_what_is_said_of_no_face_is_on_no_right_face() -> None:
    true = [Said(LEFT, {12}), Said(RIGHT, {4})]
    assert grounding.claims([[Said(FAR, {12})]], [true]).value.tolist() == [0, 0]


def test_a_picture_of_one_face_says_nothing_of_grounding() -> None:
    assert np.isnan(grounding.claims([[Said(LEFT, {12})]], [[Said(LEFT, {12})]]).value[0])


def test_pictures_must_be_the_same() -> None:
    with pytest.raises(InputError, match="found 1, true 2"):
        grounding.boxes([[]], [[], []])
