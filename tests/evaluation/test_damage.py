"""What a condition does to a picture, it does to the truth."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from facevlm.data.sample import UnitLabel
from facevlm.errors import InputError
from facevlm.evaluation import damage
from facevlm.evaluation.rows import FaceTruth, Truth
from facevlm.evaluation.shipped import FACE, portrait
from facevlm.evaluation.suite import Condition, Damaged
from facevlm.types import Box

TRUTH = Truth(faces=(FaceTruth(box=Box(x=10, y=20, width=30, height=40)),))


def condition(**how: object) -> Condition:
    return Condition(name="c", **how)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["blur", "noise", "jpeg", "small", "grey", "rotation"])
def test_a_damage_of_a_level_is_the_same_again_and_is_one(kind: str) -> None:
    once, again = (
        damage.changed(portrait(), TRUTH, condition(damage=Damaged(kind=kind, level=20)), "a")[0] for _ in range(2)
    )
    assert np.array_equal(np.asarray(once), np.asarray(again))
    assert once.size != portrait().size or np.any(np.asarray(once) != np.asarray(portrait()))


def test_noise_of_another_picture_is_another() -> None:
    how = condition(damage=Damaged(kind="noise", level=20))
    one, other = (damage.changed(portrait(), TRUTH, how, name)[0] for name in "ab")
    assert np.any(np.asarray(one) != np.asarray(other))


def test_eyes_and_mouth_are_covered_where_they_are() -> None:
    plain = np.asarray(portrait()).astype(int)
    hidden = {}
    for part in ("eyes", "mouth"):
        image, _ = damage.changed(portrait(), TRUTH, condition(damage=Damaged(kind=part)), "a")
        hidden[part] = np.argwhere(np.abs(np.asarray(image).astype(int) - plain).sum(2) > 0)
    assert FACE.y < hidden["eyes"].mean(0)[0] < hidden["mouth"].mean(0)[0] < FACE.bottom


def test_the_place_of_an_action_unit_is_greyed_out_and_little_else() -> None:
    image, _ = damage.changed(portrait(), TRUTH, condition(damage=Damaged(kind="region", level=12)), "a")
    touched = np.any(np.asarray(image) != np.asarray(portrait()), axis=2)
    assert 0.0005 < touched.mean() < 0.05


def test_a_turned_picture_turns_its_boxes() -> None:
    image, truth = damage.rotated(Image.new("RGB", (100, 60)), TRUTH, 90)
    assert image.size == (60, 100)
    box = truth.face.box
    assert box is not None
    assert (round(box.x), round(box.y), round(box.width), round(box.height)) == (20, 60, 40, 30)


def test_a_mirrored_picture_exchanges_sides() -> None:
    sided = {12: UnitLabel(present=True, side="left"), 6: UnitLabel(present=False)}
    face = FaceTruth(box=Box(x=10, y=20, width=30, height=40), units=sided)
    _, truth = damage.mirrored(Image.new("RGB", (100, 60)), Truth(faces=(face,)))
    assert truth.face.box == Box(x=60, y=20, width=30, height=40)
    assert truth.face.units == {12: UnitLabel(present=True, side="right"), 6: UnitLabel(present=False)}


def test_the_face_alone_is_cut_out_with_a_little_around_it() -> None:
    image, truth = damage.cut_out(Image.new("RGB", (100, 100)), TRUTH)
    assert image.size == (50, 60)
    assert truth.face.box == Box(x=10, y=10, width=30, height=40)


def test_without_a_box_nothing_can_be_cut_out() -> None:
    with pytest.raises(InputError, match="one labelled face and its box"):
        damage.cut_out(Image.new("RGB", (10, 10)), Truth(faces=(FaceTruth(),)))


def test_an_unknown_damage_is_answered_with_those_there_are() -> None:
    with pytest.raises(InputError, match="no such damage; use one of blur"):
        damage.changed(portrait(), TRUTH, condition(damage=Damaged(kind="rain")), "a")
