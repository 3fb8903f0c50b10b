"""Pictures of a data set and the truth of their faces."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from facevlm import facs
from facevlm.data.sample import Sample
from facevlm.data.synth.recipe import Recipe
from facevlm.types import AU_CODES
from tests.data.synth.conftest import Draw

Groups = list[tuple[Image.Image, tuple[Sample, ...]]]

EYES = [*range(36, 48)]


@pytest.fixture(scope="module")
def groups(draw: Draw) -> Groups:
    recipe = Recipe(name="groups", count=9, size=120, people=(2, 8), kinds={"neutral": 1}, damaged=0)
    return [draw(recipe, index) for index in range(8)]


def _with(recipe: Recipe, **changes: object) -> Recipe:
    return Recipe.model_validate(recipe.model_dump() | changes)


def _landmarks(sample: Sample) -> np.ndarray:
    return np.array(sample.details["landmarks"])


def test_a_picture_is_the_same_whatever_was_drawn_before(recipe: Recipe, draw: Draw) -> None:
    first, truth = draw(recipe, 3)
    draw(recipe, 1)
    again, told = draw(recipe, 3)
    assert truth == told and first.tobytes() == again.tobytes()
    fresh, _ = draw(recipe, 3, fresh=True)
    assert fresh.tobytes() == first.tobytes()


def test_another_index_or_seed_is_another_picture(recipe: Recipe, draw: Draw) -> None:
    pictures = {draw(each, index)[0].tobytes() for each in (recipe, _with(recipe, seed=1)) for index in (0, 1)}
    assert len(pictures) == 4


def test_how_many_are_made_changes_no_picture(recipe: Recipe, draw: Draw) -> None:
    assert draw(recipe, 2)[1] == draw(_with(recipe, count=50), 2)[1]


def _turned(draw: Draw, recipe: Recipe, **pose: float) -> tuple[np.ndarray, Sample]:
    still = {name: (angle, angle) for name, angle in ({"yaw": 0, "pitch": 0, "roll": 0} | pose).items()}
    _, (sample,) = draw(_with(recipe, **still), 0)
    return _landmarks(sample), sample


def test_a_head_turned_to_its_left_has_its_nose_at_larger_x(recipe: Recipe, draw: Draw) -> None:
    left, sample = _turned(draw, recipe, yaw=25)
    right, _ = _turned(draw, recipe, yaw=-25)
    assert left[30, 0] > left[EYES, 0].mean() and right[30, 0] < right[EYES, 0].mean()
    assert sample.details["pose"] == {"yaw": 25.0, "pitch": 0.0, "roll": 0.0}


def test_a_head_turned_up_has_its_nose_nearer_its_eyes(recipe: Recipe, draw: Draw) -> None:
    up, down = (_turned(draw, recipe, pitch=angle)[0] for angle in (20, -20))
    assert up[30, 1] - up[EYES, 1].mean() < down[30, 1] - down[EYES, 1].mean()


def test_a_head_rolled_to_its_right_shoulder_has_its_brows_at_smaller_x(recipe: Recipe, draw: Draw) -> None:
    rolled, _ = _turned(draw, recipe, roll=20)
    assert rolled[17:27, 0].mean() < rolled[8, 0]


def test_the_persons_left_is_on_the_right_of_the_picture(recipe: Recipe, draw: Draw) -> None:
    seen, _ = _turned(draw, recipe)
    assert seen[42:48, 0].mean() > seen[36:42, 0].mean()


def test_the_box_holds_the_landmarks_and_a_forehead(recipe: Recipe, draw: Draw) -> None:
    for index in range(3):
        _, (sample,) = draw(recipe, index)
        seen, box = _landmarks(sample), sample.box
        assert box is not None
        assert [box.x, box.right, box.bottom] == pytest.approx([*seen[:, 0].min(0, keepdims=True), seen[:, 0].max(),
                                                                seen[:, 1].max()], abs=0.2)  # fmt: skip
        assert box.y < seen[:, 1].min()


def test_every_action_unit_is_told_of_and_the_label_is_what_moved(recipe: Recipe, draw: Draw) -> None:
    for index in range(6):
        _, (sample,) = draw(_with(recipe, one_sided=0.6), index)
        assert sample.aus is not None and set(sample.aus) == set(AU_CODES)
        for code, label in sample.aus.items():
            left, right = sample.details["moves"].get(str(code), (0, 0))
            assert label.intensity == facs.grade(max(left, right))
            assert label.present == (label.intensity is not None)
            if label.side in ("left", "right"):
                assert {"left": left, "right": right}[label.side] == max(left, right)
                assert facs.grade(min(left, right)) is None


def test_no_face_shows_a_contradiction_once_it_has_moved(recipe: Recipe, draw: Draw) -> None:
    for index in range(10):
        _, (sample,) = draw(recipe, index)
        assert not facs.contradictions({int(code) for code in sample.details["moves"]})


def test_a_damaged_picture_says_so_and_another_names_none(recipe: Recipe, draw: Draw) -> None:
    _, (whole,) = draw(recipe, 0)
    image, (harmed,) = draw(_with(recipe, damaged=1), 0)
    assert whole.details["damage"] == [] and harmed.details["damage"]
    assert image.size == (128, 128) and harmed.box == whole.box


def test_data_sets_of_different_pools_share_no_person_look_or_place(recipe: Recipe, draw: Draw) -> None:
    one, other = ({"identities": 1, "pool": pool, "kinds": {"neutral": 1}} for pool in (0, 1))
    (first, (of_one,)), (second, (of_other,)) = (draw(_with(recipe, **each), 0) for each in (one, other))
    assert (of_one.group, of_other.group) == ("0-0", "1-0")
    assert np.abs(_landmarks(of_one) - _landmarks(of_other)).max() > 1
    assert first.getpixel((1, 1)) != second.getpixel((1, 1))


def test_groups_have_two_to_eight_faces_in_pictures_wider_than_high(groups: Groups) -> None:
    counts = [len(faces) for _, faces in groups]
    assert 2 <= min(counts) < max(counts) <= 8
    assert {image.size for image, _ in groups} == {(160, 120)}


def test_the_faces_of_a_group_are_numbered_from_the_largest(groups: Groups) -> None:
    for index, (_, faces) in enumerate(groups):
        areas = [face.box.area for face in faces]
        assert areas == sorted(areas, reverse=True)
        assert [face.id for face in faces] == [f"groups-{index:06d}-{n}" for n in range(1, len(faces) + 1)]
        assert {face.image for face in faces} == {f"images/{index:06d}.jpg"}


def test_a_face_is_less_visible_where_somebody_stands_before_it(groups: Groups) -> None:
    covered = 0
    for _, faces in groups:
        for face in faces:
            if face.details["visible"] < 0.9:
                others = [other for other in faces if other is not face and other.box.intersection(face.box)]
                assert others
                covered += 1
    assert covered


def test_a_face_alone_and_in_the_picture_is_wholly_visible(recipe: Recipe, draw: Draw) -> None:
    _, (sample,) = draw(_with(recipe, face_height=(0.4, 0.5)), 0)
    assert sample.details["visible"] == 1.0
