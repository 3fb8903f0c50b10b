from __future__ import annotations

import numpy as np
import pytest

from facevlm.faces.pose import LEFT_EYE_OUTER, RIGHT_EYE_OUTER, frontalise, mean_face

DOWN = np.array([1, -1, -1])  # mean-face axes → picture axes


def turned(yaw: float = 0, pitch: float = 0, roll: float = 0) -> np.ndarray:
    """The mean face as a picture would show it, its head turned by degrees."""
    y, p, r = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(-p), -np.sin(-p)], [0, np.sin(-p), np.cos(-p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return (100 * mean_face() @ (about_z @ about_y @ about_x).T * DOWN + 300).astype(np.float32)


@pytest.mark.parametrize("angle", [-30.0, 0.0, 20.0])
@pytest.mark.parametrize("name", ["yaw", "pitch", "roll"])
def test_a_turned_head_is_measured_as_it_was_turned(name: str, angle: float) -> None:
    _, pose = frontalise(turned(**{name: angle}))
    assert getattr(pose, name) == pytest.approx(angle, abs=0.2)


def test_a_turned_head_is_turned_back() -> None:
    frontal, _ = frontalise(turned(yaw=25, pitch=-10, roll=15))
    straight, _ = frontalise(turned())
    assert np.abs(frontal - straight).max() < 1e-3


def test_a_face_is_the_same_at_any_size_and_place() -> None:
    frontal, _ = frontalise(3 * turned(yaw=10) + 50)
    assert np.abs(frontal - frontalise(turned(yaw=10))[0]).max() < 1e-3


def test_outer_eye_corners_are_one_apart() -> None:
    frontal, _ = frontalise(turned(yaw=30))
    assert np.linalg.norm(frontal[LEFT_EYE_OUTER] - frontal[RIGHT_EYE_OUTER]) == pytest.approx(1, abs=1e-5)


def test_the_persons_left_is_at_the_viewers_right() -> None:
    assert mean_face()[LEFT_EYE_OUTER, 0] > 0 > mean_face()[RIGHT_EYE_OUTER, 0]


def test_the_mean_face_is_symmetric() -> None:
    mirrored = mean_face() * (-1, 1, 1)
    gaps = np.linalg.norm(mirrored[:, None] - mean_face()[None], axis=2).min(1)
    assert gaps.max() < 0.02
