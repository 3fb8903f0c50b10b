from __future__ import annotations

from pathlib import Path

import numpy as np

from facevlm.faces.cues import cue_table
from facevlm.training.embedded.arrays import face_arrays


def test_faces_that_are_not_found_are_left_out_and_rows_stay_together(ferplus_folder: Path, tmp_path: Path) -> None:
    faces = face_arrays(ferplus_folder, "train", tmp_path, size=64, workers=1)
    assert len(faces) == 23
    assert "fer0000003.png" not in faces.names
    assert faces.marked.shape == (23, 64, 64, 3)
    assert faces.plain.shape == (23, 64, 64)
    assert faces.cues.shape == (23, len(cue_table()))
    assert faces.units.shape == (23, 24, 3)


def test_arrays_are_made_once(ferplus_folder: Path, tmp_path: Path) -> None:
    face_arrays(ferplus_folder, "train", tmp_path, size=64, workers=1)
    (file,) = tmp_path.glob("*.npz")
    made = file.stat().st_mtime_ns
    again = face_arrays(ferplus_folder, "train", tmp_path, size=64, workers=1)
    assert file.stat().st_mtime_ns == made
    assert np.isfinite(again.cues).all()
