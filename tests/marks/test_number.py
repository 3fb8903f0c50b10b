from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facevlm import marks
from facevlm.types import Box, Face

MakeFace = Callable[..., Face]
BOXES = st.lists(st.tuples(st.integers(0, 90), st.integers(0, 90), st.integers(1, 60), st.integers(1, 60)), max_size=12)
OVERLAPS = st.floats(0, 1)


def shared(one: Box, other: Box) -> float:
    return one.intersection(other) / min(one.area, other.area)


def test_no_faces_stay_no_faces() -> None:
    assert marks.number([]) == ()


def test_the_largest_face_is_number_one(face_at: MakeFace) -> None:
    numbered = marks.number([face_at(0, 0, 10, 10), face_at(50, 0, 30, 30), face_at(100, 0, 20, 20)])
    assert [(face.id, face.box.width) for face in numbered] == [(1, 30), (2, 20), (3, 10)]


def test_a_face_inside_a_larger_one_is_dropped(face_at: MakeFace) -> None:
    numbered = marks.number([face_at(0, 0, 100, 100), face_at(40, 40, 10, 10)])
    assert [face.box.width for face in numbered] == [100]


def test_the_smaller_area_decides_and_not_the_union(face_at: MakeFace) -> None:
    large, half_covered = face_at(0, 0, 100, 100), face_at(96, 0, 10, 10)
    assert half_covered.box.iou(large.box) < 0.01
    assert len(marks.number([large, half_covered], overlap=0.39)) == 1
    assert len(marks.number([large, half_covered], overlap=0.40)) == 2


def test_a_dropped_face_drops_no_other(face_at: MakeFace) -> None:
    chain = [face_at(0, 0, 100, 100), face_at(40, 0, 90, 100), face_at(110, 0, 80, 100)]
    assert [face.box.x for face in marks.number(chain, overlap=0.2)] == [0, 110]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_numbers_do_not_depend_on_the_order_given(face_at: MakeFace, order: tuple[int, ...]) -> None:
    faces = [face_at(0, 0, 10, 10), face_at(50, 0, 10, 10), face_at(0, 50, 10, 10)]
    assert [face.box.centre for face in marks.number([faces[i] for i in order])] == [(5, 5), (55, 5), (5, 55)]


@given(BOXES, OVERLAPS)
def test_kept_faces_never_share_more_than_allowed(
    face_at: MakeFace, boxes: list[tuple[int, ...]], overlap: float
) -> None:
    kept = marks.number([face_at(*box) for box in boxes], overlap)
    assert all(shared(a.box, b.box) <= overlap for a in kept for b in kept if a.id != b.id)


@given(BOXES, OVERLAPS)
def test_ids_count_up_while_areas_go_down(face_at: MakeFace, boxes: list[tuple[int, ...]], overlap: float) -> None:
    kept = marks.number([face_at(*box) for box in boxes], overlap)
    assert [face.id for face in kept] == list(range(1, len(kept) + 1))
    assert [face.box.area for face in kept] == sorted((face.box.area for face in kept), reverse=True)


@given(BOXES, OVERLAPS)
def test_what_is_dropped_lies_on_a_kept_face_at_least_as_large(
    face_at: MakeFace, boxes: list[tuple[int, ...]], overlap: float
) -> None:
    faces = [face_at(*box) for box in boxes]
    kept = [face.box for face in marks.number(faces, overlap)]
    for box in (face.box for face in faces if face.box not in kept):
        assert any(larger.area >= box.area and shared(larger, box) > overlap for larger in kept)
