"""Pictures of heads, and where points appear in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from facevlm.data.synth import body
from facevlm.data.synth import rig as rigs
from facevlm.data.synth.body import Mesh
from facevlm.data.synth.look import draw_look
from facevlm.data.synth.rig import Rig
from facevlm.data.synth.stage import Lens, Light, Shot, project
from tests.data.synth.conftest import SIZE, Shoot

WIDTH, HEIGHT = SIZE
LENS = Lens(angle=30, distance=75)
LAMP = Light(towards=(0, 0, 1), strength=0.5, colour=(1, 1, 1))
CENTRE = np.array([0, 0, 4], np.float32)


def _head(rig: Rig, yaw: float = 0, pitch: float = 0, at: Sequence[float] = (0, 0, 0)) -> Mesh:
    bald = draw_look(0).model_copy(update={"hair_kind": "none"})
    points = body.turned(rig.neutral - CENTRE, yaw, pitch, 0) + np.array(at, np.float32)
    return body.dress(rig, points, bald)


def _picture(shoot: Shoot, *meshes: Mesh, ambient: float = 0.3) -> Shot:
    return shoot(meshes, LENS, [LAMP], ambient)


@pytest.mark.parametrize("landmark", [8, 27, 30, 36, 45, 48, 54])
@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (15, -10), (-15, 10)])
def test_a_landmark_is_drawn_where_it_is_projected(
    rig: Rig, shoot: Shoot, landmark: int, yaw: float, pitch: float
) -> None:
    head = _head(rig, yaw, pitch, at=(4, -2, 3))
    vertex = rig.landmarks[landmark]
    away = np.linalg.norm(rig.neutral[rigs.FACE] - rig.neutral[vertex], axis=1)
    head.colours[:] = 0
    head.colours[rigs.FACE][away < 0.5] = 255
    x, y, _ = project(head.points[[vertex]], LENS, WIDTH, HEIGHT)[0]
    pixels = _picture(shoot, head, ambient=1).pixels
    bright = np.argwhere((pixels[..., 0] > 128) & (pixels[..., 3] == 255))
    assert bright.mean(0) + 0.5 == pytest.approx([y, x], abs=1.5)


@pytest.mark.parametrize(("yaw", "at"), [(0, (0, 0, 0)), (35, (5, 3, -20)), (-35, (-6, -2, -10))])
def test_a_head_fills_the_outline_of_its_points(rig: Rig, shoot: Shoot, yaw: float, at: Sequence[float]) -> None:
    head = _head(rig, yaw, at=at)
    drawn = np.argwhere(_picture(shoot, head).pixels[..., 3] > 128)
    seen = project(head.points[np.unique(rig.triangles)], LENS, WIDTH, HEIGHT)
    assert drawn.min(0) == pytest.approx(seen[:, 1::-1].min(0), abs=1.5)
    assert drawn.max(0) + 1 == pytest.approx(seen[:, 1::-1].max(0), abs=1.5)


def test_where_no_head_is_the_picture_is_transparent(rig: Rig, shoot: Shoot) -> None:
    pixels = _picture(shoot, _head(rig)).pixels
    assert pixels.shape == (HEIGHT, WIDTH, 4)
    assert (pixels[0, 0, 3], pixels[HEIGHT // 2, WIDTH // 2, 3]) == (0, 255)


def test_the_same_heads_give_the_same_picture(rig: Rig, shoot: Shoot) -> None:
    first, other, again = (_picture(shoot, _head(rig, yaw)).pixels for yaw in (0, 20, 0))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_light_from_the_persons_left_brightens_that_side(rig: Rig, shoot: Shoot) -> None:
    lamp = LAMP.model_copy(update={"towards": (1.0, 0.0, 0.3)})
    pixels = shoot([_head(rig)], LENS, [lamp], 0.1).pixels
    their_right, their_left = (pixels[HEIGHT // 2, WIDTH // 2 + step, :3].mean() for step in (-30, 30))
    assert their_left > their_right + 20


def test_a_head_alone_has_no_depth(rig: Rig, shoot: Shoot) -> None:
    assert _picture(shoot, _head(rig)).depth is None


def test_depth_is_the_distance_of_what_is_drawn(rig: Rig, shoot: Shoot) -> None:
    heads = [_head(rig, at=(-11, 0, 0)), _head(rig, at=(11, 0, -15))]
    depth = _picture(shoot, *heads).depth
    assert depth is not None and depth.shape == (HEIGHT, WIDTH) and np.isposinf(depth[0, 0])
    for head in heads:
        x, y, away = project(head.points[rig.landmarks[[27]]], LENS, WIDTH, HEIGHT)[0]
        assert depth[int(y), int(x)] == pytest.approx(away, abs=0.5)


def test_the_nearer_head_covers_the_other(rig: Rig, shoot: Shoot) -> None:
    behind, before = _head(rig, at=(0, 0, -25)), _head(rig, at=(3, 0, 0))
    before.colours[:] = (0, 0, 255)
    behind.colours[:] = (255, 0, 0)
    x, y, _ = project(behind.points[rig.landmarks[[30]]], LENS, WIDTH, HEIGHT)[0]
    for order in ((behind, before), (before, behind)):
        red, _, blue, _ = _picture(shoot, *order, ambient=1).pixels[int(y), int(x)]
        assert blue > red
