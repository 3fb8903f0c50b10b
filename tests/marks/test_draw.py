from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, pairwise
from time import perf_counter

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from facevlm import marks
from facevlm.errors import InputError
from facevlm.marks.draw import PALETTE, colour
from facevlm.types import Face

MakeFace = Callable[..., Face]
GREY = (90, 90, 90)


def canvas(width: int = 640, height: int = 480) -> Image.Image:
    return Image.new("RGB", (width, height), GREY)


def changed(image: Image.Image) -> NDArray[np.bool_]:
    """Where the picture differs from the empty canvas, (height, width)."""
    different: NDArray[np.bool_] = (np.asarray(image) != GREY).any(axis=2)
    return different


def test_plain_is_an_untouched_copy(face_at: MakeFace) -> None:
    picture = canvas()
    marked = marks.draw(picture, [face_at(100, 100, 80, 80, id=1)], "plain")
    assert marked.image is not picture
    assert marked.image.tobytes() == picture.tobytes()


@pytest.mark.parametrize("variant", marks.VARIANTS)
def test_the_picture_given_is_never_drawn_on(face_at: MakeFace, variant: str) -> None:
    picture = canvas()
    marks.draw(picture, [face_at(100, 100, 80, 80, id=1)], variant)
    assert not changed(picture).any()


@pytest.mark.parametrize("variant", marks.VARIANTS)
def test_equal_input_gives_equal_pixels(face_at: MakeFace, variant: str) -> None:
    faces = [face_at(100, 100, 80.4, 90.6, id=1), face_at(300, 200, 60, 60, id=2)]
    once, again = (marks.draw(canvas(), faces, variant).image.tobytes() for _ in range(2))
    assert once == again


def test_each_variant_adds_to_the_one_before(face_at: MakeFace) -> None:
    faces = [face_at(200, 200, 120, 120, id=1)]
    drawn = [changed(marks.draw(canvas(), faces, variant).image) for variant in marks.VARIANTS]
    assert all((less <= more).all() and less.sum() < more.sum() for less, more in pairwise(drawn))


def test_box_and_number_leave_the_face_itself_free(face_at: MakeFace) -> None:
    drawn = changed(marks.draw(canvas(), [face_at(200, 200, 120, 120, id=1)], "number").image)
    assert not drawn[200:320, 200:320].any()


def test_the_five_points_sit_on_eyes_nose_and_mouth_corners(face_at: MakeFace) -> None:
    face = face_at(200, 200, 120, 120, id=1)
    drawn = marks.draw(canvas(), [face], "landmarks").image
    for x, y in face.landmarks.xy(468, 473, 1, 61, 291).round().astype(int):
        assert drawn.getpixel((int(x), int(y))) == colour(face)
    assert changed(drawn)[200:320, 200:320].sum() < 0.02 * 120 * 120


def test_neighbouring_numbers_have_different_colours(face_at: MakeFace) -> None:
    faces = [face_at(0, 0, 10, 10, id=number) for number in range(1, len(PALETTE) + 1)]
    assert all(colour(a) != colour(b) for a, b in combinations(faces, 2))


def test_faces_and_variant_travel_with_the_picture(face_at: MakeFace) -> None:
    faces = (face_at(100, 100, 80, 80, id=1),)
    marked = marks.draw(canvas(), faces, "number")
    assert marked.faces == faces
    assert marked.variant == "number"


def test_a_picture_without_faces_comes_back_unmarked() -> None:
    assert not changed(marks.draw(canvas(), [], "landmarks").image).any()


def test_an_unknown_variant_is_refused_with_those_that_exist() -> None:
    with pytest.raises(InputError, match="marks 'circle' do not exist; use one of plain, box, number, landmarks"):
        marks.draw(canvas(), [], "circle")


@pytest.mark.parametrize(("longer", "digit"), [(200, 7), (1000, 13), (8000, 110)])
def test_digits_grow_with_the_picture(face_at: MakeFace, longer: int, digit: int) -> None:
    side = longer // 5
    picture = canvas(longer, longer // 2)
    drawn = marks.draw(picture, [face_at(side, side, side, side, id=1)], "number").image
    tag = np.asarray(drawn.crop((side - 40 * longer // 1000, 0, 2 * side, side - 16 * longer // 8000 - 2)))
    ink = (tag < 40).all(axis=2).any(axis=1)
    assert ink.sum() >= digit


@pytest.mark.parametrize("box", [(-30, -20, 100, 100), (600, 440, 90, 90), (0, 0, 640, 480), (700, 500, 20, 20)])
def test_faces_across_the_edge_are_drawn_as_far_as_they_show(face_at: MakeFace, box: tuple[int, ...]) -> None:
    assert marks.draw(canvas(), [face_at(*box, id=1)]).image.size == (640, 480)


@pytest.mark.parametrize("side", [1, 5, 48])
def test_the_smallest_pictures_can_be_marked(face_at: MakeFace, side: int) -> None:
    assert marks.draw(canvas(side, side), [face_at(0, 0, side, side, id=1)]).image.size == (side, side)


def test_marking_one_face_takes_under_five_milliseconds(face_at: MakeFace) -> None:
    picture, faces = canvas(), [face_at(200, 200, 120, 120, id=1)]
    marks.draw(picture, faces)
    times = []
    for _ in range(7):
        start = perf_counter()
        marks.draw(picture, faces)
        times.append(perf_counter() - start)
    assert min(times) < 0.005
