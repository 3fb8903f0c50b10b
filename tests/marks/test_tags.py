from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from facevlm.marks.tags import Rectangles, place

PICTURE = (400, 300)
TAG = (20, 16)


def boxes(*rows: tuple[int, int, int, int]) -> Rectangles:
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def tags_for(rectangles: Rectangles, tag: tuple[int, int] = TAG) -> Rectangles:
    return place(rectangles, [tag] * len(rectangles), PICTURE)


def meet(one: Rectangles, other: Rectangles) -> bool:
    return bool((np.minimum(one[2:], other[2:]) > np.maximum(one[:2], other[:2])).all())


def test_a_tag_stands_on_the_top_left_corner_of_its_box() -> None:
    assert tags_for(boxes((100, 100, 200, 200))).tolist() == [[100, 84, 120, 100]]


def test_a_tag_goes_below_where_there_is_no_room_above() -> None:
    assert tags_for(boxes((100, 5, 200, 105))).tolist() == [[100, 105, 120, 121]]


def test_a_tag_goes_beside_a_box_as_tall_as_the_picture() -> None:
    assert tags_for(boxes((100, 0, 300, 300))).tolist() == [[80, 0, 100, 16]]


def test_a_tag_goes_into_the_corner_of_a_face_that_fills_the_picture() -> None:
    assert tags_for(boxes((0, 0, 400, 300))).tolist() == [[0, 0, 20, 16]]


def test_a_tag_slides_along_its_box_to_spare_the_face_above() -> None:
    lower = tags_for(boxes((90, 20, 150, 100), (100, 100, 200, 200)))[1]
    assert lower.tolist() == [180, 84, 200, 100]


def test_neighbours_share_the_space_above_them() -> None:
    first, second = tags_for(boxes((100, 100, 112, 130), (112, 100, 124, 130)))
    assert not meet(first, second)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 30), st.integers(0, 30))
def test_where_faces_stand_apart_no_tag_hides_a_face_or_a_tag(columns: int, rows: int, x: int, y: int) -> None:
    spread = boxes(
        *((x + 90 * i, y + 70 * j, x + 90 * i + 50, y + 70 * j + 30) for i in range(columns) for j in range(rows))
    )
    tags = tags_for(spread)
    assert not any(meet(tag, box) for tag in tags for box in spread)
    assert not any(meet(tags[i], tags[j]) for i in range(len(tags)) for j in range(i))


@given(
    st.lists(st.tuples(st.integers(0, 380), st.integers(0, 280), st.integers(4, 200), st.integers(4, 200)), max_size=9)
)
def test_every_tag_lies_in_the_picture_in_its_full_size(crowd: list[tuple[int, int, int, int]]) -> None:
    tags = tags_for(boxes(*((x, y, min(x + w, 400), min(y + h, 300)) for x, y, w, h in crowd)))
    assert np.array_equal(tags[:, 2:] - tags[:, :2], np.tile(TAG, (len(tags), 1)))
    assert (tags >= 0).all() and (tags[:, 2:] <= PICTURE).all()


@given(
    st.lists(
        st.tuples(st.integers(0, 340), st.integers(0, 240), st.integers(20, 60)), min_size=2, max_size=6, unique=True
    )
)
def test_a_tag_hides_another_only_where_every_spot_around_its_face_does(crowd: list[tuple[int, int, int]]) -> None:
    rectangles = boxes(*((x, y, x + side, y + side) for x, y, side in crowd))
    tags = tags_for(rectangles)
    for index, tag in enumerate(tags):
        left, top, right, bottom = rectangles[index]
        corners = [(left, top), (right - 20, top), (left, bottom - 16), (right - 20, bottom - 16)]
        free = [
            spot
            for spot in (np.array([x, y, x + 20, y + 16]) for x, y in corners)
            if not any(meet(spot, earlier) for earlier in tags[:index])
        ]
        assert not free or not any(meet(tag, earlier) for earlier in tags[:index])
