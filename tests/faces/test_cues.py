from __future__ import annotations

import numpy as np
import pytest

from facevlm.faces.cues import cue_table, measure_cues, mirrored, raw_cues
from facevlm.faces.pose import frontalise, mean_face
from facevlm.types import AU_CODES, Pose

FRONTAL = Pose(yaw=0, pitch=0, roll=0)


def moved(points: list[int], shift: tuple[float, float, float]) -> np.ndarray:
    """The mean face with some points moved, in distances between the eye corners."""
    face = mean_face().copy()
    face[points] += np.array(shift, np.float32)
    return face


def test_the_mean_face_rests() -> None:
    cues = measure_cues(mean_face(), FRONTAL)
    assert max(abs(value) for value in cues.values()) < 0.5


@pytest.mark.parametrize(
    ("points", "shift", "cue"),
    [
        ([55, 107, 66, 65], (0, 0.1, 0), "brow_inner_height_right"),
        ([285, 336, 296, 295], (0, 0.1, 0), "brow_inner_height_left"),
        ([14, 87, 317], (0, -0.2, 0), "mouth_opening"),
        ([61], (0, 0.15, 0), "lip_corner_height_right"),
        ([385, 386, 387], (0, 0.08, 0), "upper_lid_height_left"),
        ([152, 148, 377], (0, -0.2, 0), "jaw_drop"),
        ([0, 17, 13, 14], (0, 0, 0.1), "lip_protrusion"),
    ],
)
def test_what_moves_up_or_apart_is_seen_in_its_cue(points: list[int], shift: tuple[float, ...], cue: str) -> None:
    assert measure_cues(moved(points, shift), FRONTAL)[cue] > 2  # type: ignore[arg-type]


def test_a_movement_on_the_right_leaves_the_left_at_rest() -> None:
    cues = measure_cues(moved([70, 46, 63, 53], (0, 0.15, 0)), FRONTAL)
    assert cues["brow_outer_height_right"] > 3
    assert abs(cues["brow_outer_height_left"]) < 0.5


def test_in_a_mirror_the_sides_change_places() -> None:
    cues = measure_cues(moved([61], (0, 0.15, 0)), FRONTAL)
    assert mirrored(cues)["lip_corner_height_left"] == cues["lip_corner_height_right"]
    assert mirrored(mirrored(cues)) == cues


def test_cues_do_not_change_with_the_size_of_the_picture() -> None:
    picture = mean_face() * (1, -1, -1)
    small, large = (raw_cues(frontalise((scale * picture).astype(np.float32))[0]) for scale in (20, 900))
    assert all(small[name] == pytest.approx(large[name], abs=1e-3) for name in small)


def test_every_cue_speaks_for_known_units_and_lies_on_the_mesh() -> None:
    for cue in cue_table():
        assert set(cue.aus) <= set(AU_CODES)
        assert max(*cue.of, *cue.start) < 478
