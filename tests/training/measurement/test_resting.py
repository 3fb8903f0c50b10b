"""What a resting face measures, fitted on resting faces."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

from facevlm.data import ferplus
from facevlm.errors import InputError
from facevlm.faces import cues
from facevlm.faces import pose as poses
from facevlm.training import recipe
from facevlm.training.measurement import resting
from facevlm.types import Pose

RECIPE = cues.FOLDER / "cues.recipe.yaml"
CHIN = 152


def test_the_recipe_that_ships_is_good() -> None:
    assert recipe.read(RECIPE, recipe.Cues).fewest >= 100


def test_the_drift_of_a_cue_with_the_pose_is_taken_out_and_strays_do_not_widen_its_spread() -> None:
    rng = np.random.default_rng(0)
    turned = [Pose(yaw=yaw, pitch=pitch, roll=0) for yaw, pitch in rng.uniform(-30, 30, (400, 2))]
    noise = rng.normal(0, 0.02, 400)
    noise[:8] = 5.0
    rows = [
        (cues.pose_terms(pose, None), 0.3 + 0.1 * pose.pitch / 30 + e) for pose, e in zip(turned, noise, strict=True)
    ]
    fitted = resting._drift(rows[8:])
    assert fitted["drift"][0] == pytest.approx(0.3, abs=0.01)
    assert fitted["drift"][3] == pytest.approx(0.1, abs=0.01)
    assert resting._drift(rows)["spread"] < 0.2


def test_landmarks_are_kept_and_those_of_a_picture_without_a_face_are_not_a_number(
    ferplus_folder: Path, tmp_path: Path
) -> None:
    with np.load(ferplus_folder / "train-0.npz") as faces:
        images = faces["image"][2:4]  # the second is black
    points = resting.landmarks_of(images, tmp_path / "landmarks.npz", workers=1)
    assert points.shape == (2, 478, 3)
    assert np.isfinite(points[0]).all()
    assert np.isnan(points[1]).all()
    assert np.array_equal(resting.landmarks_of(images[:0], tmp_path / "landmarks.npz", 1), points, equal_nan=True)


def test_landmarks_that_could_not_be_written_whole_are_not_taken_for_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_short(file: BinaryIO | Path, **_: object) -> None:
        part = nullcontext(file) if not isinstance(file, Path) else file.open("wb")
        with part as written:
            written.write(b"PK")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", cut_short)
    cache = tmp_path / "landmarks.npz"
    with pytest.raises(OSError, match="No space"):
        resting.landmarks_of(np.zeros((1, 48, 48), np.uint8), cache, workers=1)
    assert not cache.exists()


def test_too_few_resting_faces_are_an_error_that_changes_nothing(tmp_path: Path) -> None:
    kept_landmarks(tmp_path, count=60)
    shipped = [cues.FOLDER / name for name in ("resting.json", "mean_face.npy")]
    before = [file.read_bytes() for file in shipped]
    with pytest.raises(InputError, match=r": \d+ resting faces are too few to fit on; 500 are needed at least"):
        resting.run(RECIPE, all_at_rest(tmp_path, count=60), tmp_path)
    assert [file.read_bytes() for file in shipped] == before


def test_faces_held_out_for_choosing_models_are_not_fitted_on(tmp_path: Path) -> None:
    kept_landmarks(tmp_path, count=60)
    data = all_at_rest(tmp_path, count=60)
    held_out = ferplus.held_out(ferplus.read(data, "train").names)
    with pytest.raises(InputError, match=f": {60 - held_out.sum()} resting faces"):
        resting.run(RECIPE, data, tmp_path)


def test_the_mean_face_and_the_cues_are_those_of_the_resting_faces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / "made"
    made.mkdir()
    (made / "cues.yaml").write_bytes((cues.FOLDER / "cues.yaml").read_bytes())
    monkeypatch.setattr(cues, "FOLDER", made)
    config = tmp_path / "recipe.yaml"
    config.write_text("frontal: 15.0\nfewest: 20\n")
    kept_landmarks(tmp_path, count=60, chin=-0.1)
    resting.run(config, all_at_rest(tmp_path, count=60), tmp_path)
    shift = np.load(made / "mean_face.npy") - poses.mean_face()
    assert shift[CHIN, 1] == pytest.approx(-0.1, abs=0.01)
    assert np.abs(np.delete(shift, CHIN, axis=0)).max() < 0.02
    fitted = json.loads((made / "resting.json").read_text())["cues"]
    assert fitted["mouth_opening"]["drift"][0] == pytest.approx(
        cues.raw_cues(poses.mean_face())["mouth_opening"], abs=0.01
    )
    assert fitted["mouth_opening"]["spread"] < 0.02


def kept_landmarks(work: Path, count: int, chin: float = 0.0) -> None:
    """Meshes of the mean face, each a little another, as found before: the finder is not what is tested here."""
    meshes = poses.mean_face() + np.random.default_rng(0).normal(0, 0.003, (count, 478, 3))
    meshes[:, CHIN, 1] += chin
    np.savez(work / "landmarks-train.npz", points=(meshes * (24, -24, -24) + 24).astype(np.float32))


def all_at_rest(folder: Path, count: int) -> Path:
    """FER+ of blank pictures that everybody calls neutral."""
    names = np.array([f"fer{index:07}.png" for index in range(count)])
    votes = np.tile(np.array([10, *[0] * 9], np.uint8), (count, 1))
    np.savez(folder / "train-0.npz", image=np.zeros((count, 48, 48), np.uint8), name=names, votes=votes)
    return folder
