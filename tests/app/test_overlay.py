from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app import overlay
from app.overlay import Look, Spot
from facevlm import facs
from facevlm.reasoning.seeing import Found, find


@pytest.fixture(scope="module")
def found(astronaut: Path) -> Found:
    return find(astronaut)


def test_every_action_unit_has_a_region_within_reach_of_the_face(found: Found) -> None:
    face = found.faces[0]
    for unit in facs.units():
        corners = np.concatenate(overlay.region(face, unit.code))
        reach = 0.2 * face.box.width
        assert (corners >= (face.box.x - reach, face.box.y - reach)).all(), unit.code
        assert (corners <= (face.box.right + reach, face.box.bottom + reach)).all(), unit.code


def test_the_region_of_one_side_is_on_that_side_of_the_person(found: Found) -> None:
    face = found.faces[0]
    left, right = (np.concatenate(overlay.region(face, 12, side)).mean(axis=0) for side in ("left", "right"))
    assert left[0] > right[0]  # who faces the camera has the left on the viewer's right


def test_a_chosen_spot_is_lit_and_the_rest_dimmed(found: Found) -> None:
    face, image = found.faces[0], found.picture.image
    drawn = [overlay.picture(image, found.faces, Look("plain", chosen=spot)) for spot in (None, Spot(1, 12))]
    plain, lit = (np.asarray(each.resize(image.size), dtype=int) for each in drawn)
    x, y = np.concatenate(overlay.region(face, 12, "left")).mean(axis=0).astype(int)
    assert plain[5, 5].sum() > lit[5, 5].sum()
    assert (plain[y, x] != lit[y, x]).any() and lit[y, x].sum() > 0.8 * plain[y, x].sum()


def test_a_spot_on_a_face_that_is_not_there_lights_nothing(found: Found) -> None:
    image = found.picture.image
    plain = overlay.picture(image, found.faces, Look("plain"))
    assert overlay.picture(image, found.faces, Look("plain", chosen=Spot(9, 12))).tobytes() == plain.tobytes()


def test_regions_tint_what_measures_as_present(found: Found) -> None:
    image = found.picture.image
    plain = overlay.picture(image, found.faces, Look("plain"))
    assert overlay.picture(image, found.faces, Look("plain", regions=True)).tobytes() != plain.tobytes()


def test_a_large_photograph_is_drawn_small(found: Found) -> None:
    large = found.picture.image.resize((4000, 4000))
    assert max(overlay.picture(large, [], Look()).size) == overlay.PICTURE_SIDE


def test_a_face_is_shown_large_however_small_it_is(found: Found) -> None:
    assert max(overlay.portrait(found.picture.image, found.faces[0], Look()).size) == overlay.FACE_SIDE


def test_the_picture_is_told_in_words(found: Found) -> None:
    words = overlay.alt(found.faces, Look(chosen=Spot(1, 12, "left")))
    assert "one face" in words and "AU12 lip corner puller, left side" in words
    assert "no face" in overlay.alt([], Look())
