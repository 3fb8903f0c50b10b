from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facevlm.errors import InputError
from facevlm.faces import cues
from facevlm.faces.action_units import measure_action_units
from facevlm.faces.pose import frontalise
from facevlm.training import au, recipe
from facevlm.types import Pose

RECIPE = cues.FOLDER / "resting.recipe.yaml"


def test_the_drift_of_a_cue_with_the_pose_is_taken_out_and_strays_do_not_widen_its_spread() -> None:
    rng = np.random.default_rng(0)
    poses = [Pose(yaw=yaw, pitch=pitch, roll=0) for yaw, pitch in rng.uniform(-30, 30, (400, 2))]
    noise = rng.normal(0, 0.02, 400)
    noise[:8] = 5.0
    rows = [
        (cues.pose_terms(pose, None), 0.3 + 0.1 * pose.pitch / 30 + e) for pose, e in zip(poses, noise, strict=True)
    ]
    fitted = au._drift(rows[8:])
    assert fitted["drift"][0] == pytest.approx(0.3, abs=0.01)
    assert fitted["drift"][3] == pytest.approx(0.1, abs=0.01)
    assert au._drift(rows)["spread"] < 0.2


def test_a_scale_rises_from_rest_to_the_strongest() -> None:
    rng = np.random.default_rng(0)
    scale = au._scale(rng.normal(0, 1, 2000), rng.normal(1, 2, 2000), recipe.read(RECIPE, recipe.ActionUnits))
    assert scale == sorted(scale)
    assert scale[1] == pytest.approx(2, abs=0.2)  # the 97.5th percentile of a resting face


def test_too_few_resting_faces_are_an_error_that_changes_nothing(ferplus_folder: Path, tmp_path: Path) -> None:
    before = (cues.FOLDER / "resting.json").read_bytes()
    with pytest.raises(InputError, match="resting faces are too few to fit on"):
        au.run(RECIPE, ferplus_folder, tmp_path, workers=1)
    assert (cues.FOLDER / "resting.json").read_bytes() == before


def test_resting_faces_of_the_training_split_measure_near_nothing(shared_data: Path, tmp_path: Path) -> None:
    from facevlm.data import ferplus
    from facevlm.types import EMOTIONS

    faces = ferplus.read(shared_data / "ferplus", "train")
    resting = faces.where(faces.strict_majority() == EMOTIONS.index("neutral"))
    few = resting.where(np.arange(len(resting)) % 60 == 0)
    points = au.landmarks_of(few.images, tmp_path / "landmarks.npz", workers=1)
    values = [
        unit.value
        for frontal, pose in map(frontalise, points[~np.isnan(points[:, 0, 0])])
        for unit in measure_action_units(cues.measure_cues(frontal, pose), pose).values()
        if unit.value is not None
    ]
    assert np.mean(np.array(values) < 0.25) > 0.95
