"""What is cut out of a picture around a face: the same skin, however the picture is turned, enlarged or cut off."""

from __future__ import annotations

import numpy as np
import pytest

from facevlm.faces.appearance import PATCHES, SIDE, appearance
from facevlm.faces.pose import LEFT_EYE_OUTER, RIGHT_EYE_OUTER
from tests.faces.photographed import Photographed, astronaut


def cut(face: Photographed) -> np.ndarray:
    return appearance(face.grey, face.points)


def gap(one: np.ndarray, other: np.ndarray) -> float:
    """Mean difference in grey levels."""
    return float(np.abs(one.astype(float) - other.astype(float)).mean())


def elsewhere() -> np.ndarray:
    """Patches a third of an eye distance beside where they belong."""
    face = astronaut()
    eyes = np.linalg.norm(face.points[LEFT_EYE_OUTER] - face.points[RIGHT_EYE_OUTER])
    return appearance(face.grey, face.points + np.array((eyes / 3, 0, 0), np.float32))


def test_patches_are_grey_squares() -> None:
    assert cut(astronaut()).shape == (2, len(PATCHES), SIDE, SIDE)
    assert cut(astronaut()).dtype == np.uint8


def test_the_left_patches_of_a_picture_in_a_mirror_are_the_right_patches_of_the_picture() -> None:
    left, right = cut(astronaut().in_a_mirror())
    assert gap(left, cut(astronaut())[1]) < 1
    assert gap(right, cut(astronaut())[0]) < 1


@pytest.mark.parametrize(("half", "other", "corner"), [(0, 1, 291), (1, 0, 61)])
def test_the_first_half_is_the_persons_left(half: int, other: int, corner: int) -> None:
    face, patch = astronaut(), list(PATCHES).index("corner")
    x, y = face.points[corner, :2].astype(int)
    painted = face.grey.copy()
    painted[y - 5 : y + 5, x - 5 : x + 5] = 0
    changed = appearance(painted, face.points)
    assert gap(changed[half, patch], cut(face)[half, patch]) > 5
    assert gap(changed[other, patch], cut(face)[other, patch]) == 0


def test_the_two_halves_of_a_face_are_different_skin() -> None:
    names = list(PATCHES)
    left, right = cut(astronaut())
    assert gap(left[names.index("cheek")], right[names.index("cheek")]) > 5


@pytest.mark.parametrize("degrees", [20, -20])
def test_patches_are_upright_however_the_picture_is_tilted(degrees: float) -> None:
    assert gap(cut(astronaut().tilted(degrees)), cut(astronaut())) < gap(elsewhere(), cut(astronaut())) / 10


def test_patches_are_the_same_at_twice_the_size() -> None:
    assert gap(cut(astronaut().resized(2)), cut(astronaut())) < gap(elsewhere(), cut(astronaut())) / 10


def test_a_large_face_is_reduced_so_that_fine_grain_does_not_alias() -> None:
    large = astronaut().resized(8)
    grain = np.indices(large.grey.shape).sum(0) % 2 * 60 - 30
    grainy = np.clip(large.grey.astype(int), 30, 225) + grain
    smooth = np.clip(large.grey, 30, 225)
    assert gap(appearance(grainy.astype(np.uint8), large.points), appearance(smooth, large.points)) < 3


@pytest.mark.parametrize(("left", "top"), [(225, 0), (0, 120), (225, 120)])
def test_a_face_that_hangs_over_the_edge_has_all_its_patches(left: int, top: int) -> None:
    assert cut(astronaut().cut_off(left, top)).shape == cut(astronaut()).shape


def test_what_the_picture_still_holds_is_cut_as_before() -> None:
    corner = list(PATCHES).index("corner")
    whole, beheaded = cut(astronaut()), cut(astronaut().cut_off(top=110))
    assert gap(beheaded[:, corner], whole[:, corner]) < 1
