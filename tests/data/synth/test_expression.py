"""Action units as the face model shows them."""

from __future__ import annotations

import numpy as np
import pytest

from facevlm import facs
from facevlm.data.synth import body
from facevlm.data.synth.expression import Move, displace, gap, with_parted_lips
from facevlm.data.synth.rig import Rig
from facevlm.data.synth.shapes import shape_table
from facevlm.types import AU_CODES

SIDED = [code for code in AU_CODES if facs.unit(code).sided]
FAR_LEFT, FAR_RIGHT = Move(left=0.9, right=0), Move(left=0, right=0.9)
STRONG = Move(left=0.9, right=0.9)
MIRROR = np.array([-1, 1, 1])


def test_every_action_unit_has_shapes_and_no_other_has() -> None:
    assert set(shape_table()) == set(AU_CODES)
    assert all(shape_table().values())


@pytest.mark.parametrize("code", AU_CODES)
def test_every_action_unit_moves_the_face(rig: Rig, code: int) -> None:
    assert np.abs(displace(rig, {code: STRONG})).max() > 0.05


@pytest.mark.parametrize("code", [code for code in SIDED if code != 11])
def test_a_move_on_the_left_moves_the_persons_left_alone(rig: Rig, code: int) -> None:
    moved = np.abs(displace(rig, {code: FAR_LEFT})).max(1) > 0
    assert moved.any() and (rig.neutral[moved, 0] > 0).all()


@pytest.mark.parametrize("code", SIDED)
def test_the_right_moves_as_the_left_does_in_a_mirror(rig: Rig, code: int) -> None:
    left, right = (displace(rig, {code: move}) for move in (FAR_LEFT, FAR_RIGHT))
    assert (left * MIRROR).sum(0) == pytest.approx(right.sum(0), abs=0.1)


@pytest.mark.parametrize("code", AU_CODES)
def test_a_face_moves_as_far_as_the_unit_is_strong(rig: Rig, code: int) -> None:
    weak, strong = (displace(rig, {code: Move(left=each, right=each)}) for each in (0.3, 0.9))
    assert 3 * weak == pytest.approx(strong, abs=1e-5)


def test_a_shape_that_two_units_use_is_moved_once_by_the_stronger(rig: Rig) -> None:
    both = displace(rig, {26: STRONG, 27: STRONG})
    assert both == pytest.approx(displace(rig, {27: STRONG}))


def _shown(rig: Rig, moves: dict[int, Move]) -> dict[int, Move]:
    return with_parted_lips(rig, moves, rig.neutral, displace(rig, moves))


@pytest.mark.parametrize("code", [25, 26, 27])
def test_lips_that_part_show_25(rig: Rig, code: int) -> None:
    shown = _shown(rig, {code: STRONG})
    assert {code, 25} <= set(shown) and shown[25].left == shown[25].right > 0.2


@pytest.mark.parametrize("code", [4, 12, 24, 43])
def test_lips_that_stay_closed_show_no_25(rig: Rig, code: int) -> None:
    assert set(_shown(rig, {code: STRONG})) == {code}


def test_a_25_too_weak_to_be_seen_is_not_told(rig: Rig) -> None:
    assert _shown(rig, {25: Move(left=0.05, right=0.05), 4: STRONG}) == {4: STRONG}


def test_25_is_the_stronger_the_wider_lips_are_apart(rig: Rig) -> None:
    ajar, open_ = (_shown(rig, {26: Move(left=each, right=each)})[25].left for each in (0.3, 0.9))
    assert ajar < open_


@pytest.mark.parametrize("number", range(5))
def test_every_person_rests_with_closed_lips(rig: Rig, number: int) -> None:
    assert gap(rig, body.identity(rig, number)) == pytest.approx(gap(rig, rig.neutral), abs=1e-3)


def test_another_number_is_another_person_and_the_same_number_the_same(rig: Rig) -> None:
    first, again, other = (body.identity(rig, number) for number in (3, 3, 4))
    assert np.array_equal(first, again) and np.abs(first - other).max() > 0.1
