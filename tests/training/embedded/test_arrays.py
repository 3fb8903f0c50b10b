from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facevlm.data import ferplus
from facevlm.errors import InputError
from facevlm.faces import decode, find
from facevlm.faces.action_units import measure_action_units
from facevlm.faces.cues import cue_table
from facevlm.faces.pose import frontalise
from facevlm.faces.regressor import Regressor, regressor
from facevlm.training.embedded.arrays import face_arrays
from facevlm.training.measurement import folds
from facevlm.types import AU_CODES


def test_faces_that_are_not_found_are_left_out_and_rows_stay_together(ferplus_folder: Path, tmp_path: Path) -> None:
    faces = face_arrays(ferplus_folder, "train", tmp_path, size=64, workers=1)
    assert len(faces) == 23
    assert "fer0000003.png" not in faces.names
    assert faces.marked.shape == (23, 64, 64, 3)
    assert faces.plain.shape == (23, 64, 64)
    assert faces.cues.shape == (23, len(cue_table()))
    assert faces.units.shape == (23, 24, 3)


def test_units_of_training_faces_are_measured_by_networks_that_were_not_fitted_on_them(
    ferplus_folder: Path, tmp_path: Path
) -> None:
    faces = face_arrays(ferplus_folder, "train", tmp_path, size=64, workers=1)
    images = dict(
        zip(*(getattr(ferplus.read(ferplus_folder, "train"), each) for each in ("names", "images")), strict=True)
    )
    fold = folds.of(faces.names)
    assert set(fold) == {-1, 0, 1, 2}
    for name, units, own in zip(faces.names, faces.units, fold, strict=True):
        told = [measured(images[name], each) for each in (regressor(), *folds.networks())]
        assert [np.array_equal(units[:, 0], each, equal_nan=True) for each in told] == [
            each == own for each in range(-1, folds.COUNT)
        ]


def test_faces_that_report_are_measured_as_those_of_users(ferplus_folder: Path, tmp_path: Path) -> None:
    faces, shown = (
        face_arrays(ferplus_folder, "valid", tmp_path, size=64, workers=1),
        ferplus.read(ferplus_folder, "valid"),
    )
    assert np.array_equal(faces.units[0, :, 0], measured(shown.images[0], regressor()), equal_nan=True)


def test_arrays_of_another_measurement_are_refused_in_one_line(
    ferplus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    face_arrays(ferplus_folder, "train", tmp_path, size=64, workers=1)
    fitted_anew = tmp_path / "folds.npz"
    fitted_anew.write_bytes(folds.FILE.read_bytes() + b"another")
    monkeypatch.setattr(folds, "FILE", fitted_anew)
    with pytest.raises(InputError, match=r"ferplus-train-64\.npz: faces measured by another version; delete the file"):
        face_arrays(ferplus_folder, "train", tmp_path, size=64, workers=1)


def measured(image: np.ndarray, by: Regressor) -> np.ndarray:
    """The values of the units of the face in a grey picture, (24,)."""
    picture = decode(Image.fromarray(image).convert("RGB"))
    (face,) = find(picture)
    points = face.landmarks.points
    units = measure_action_units(np.asarray(picture.image.convert("L")), points, *frontalise(points), by)
    return np.array([units[code].value for code in AU_CODES], np.float32)


def test_arrays_are_made_once(ferplus_folder: Path, tmp_path: Path) -> None:
    face_arrays(ferplus_folder, "train", tmp_path, size=64, workers=1)
    (file,) = tmp_path.glob("*.npz")
    made = file.stat().st_mtime_ns
    again = face_arrays(ferplus_folder, "train", tmp_path, size=64, workers=1)
    assert file.stat().st_mtime_ns == made
    assert np.isfinite(again.cues).all()
