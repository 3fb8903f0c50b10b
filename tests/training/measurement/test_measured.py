"""Faces as the regressor is fitted on them: found once, row by row the same; and what synthetic ones truly show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facevlm.data.sample import Sample
from facevlm.errors import InputError
from facevlm.faces.appearance import PATCHES, SIDE
from facevlm.training.measurement.measured import Measured, Source, measure, true_strengths
from facevlm.types import AU_CODES
from tests.training.conftest import FACE


@pytest.fixture(scope="module")
def sources(astronaut: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Source]:
    """A face in a file, a picture without one, the same face as an array, and in a mirror."""
    face = Image.open(astronaut).convert("L").crop(FACE)
    file = tmp_path_factory.mktemp("pictures") / "face.png"
    face.save(file)
    grey = np.asarray(face)
    return [file, np.zeros((48, 48), np.uint8), grey, grey[:, ::-1].copy()]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work") / "folder" / "faces.npz"


@pytest.fixture(scope="module")
def faces(sources: Sequence[Source], cache: Path) -> Measured:
    return measure(sources, cache, workers=1)


def test_pictures_without_a_face_are_left_out_and_the_index_tells_which_remain(faces: Measured) -> None:
    assert faces.index.tolist() == [0, 2, 3]
    assert len(faces) == 3


def test_a_face_has_a_mesh_a_pose_and_patches(faces: Measured) -> None:
    assert faces.frontal.shape == (3, 478, 3)
    assert faces.pose.shape == (3, 3)
    assert faces.patches.shape == (3, 2, len(PATCHES), SIDE, SIDE)


def test_a_file_and_the_array_of_its_pixels_are_the_same_face(faces: Measured) -> None:
    assert np.array_equal(faces.frontal[0], faces.frontal[1])
    assert np.array_equal(faces.patches[0], faces.patches[1])


def test_rows_stay_together(faces: Measured) -> None:
    roll = faces.pose[:, 2]
    assert roll[0] < -2 < 2 < roll[2]
    left, right = faces.patches[0].astype(float)
    like, unlike = np.abs(faces.patches[2, 1] - left).mean(), np.abs(faces.patches[2, 1] - right).mean()
    assert like < unlike  # in a mirror the left half is the right one


def test_faces_are_found_once_and_then_read_from_the_cache(faces: Measured, cache: Path) -> None:
    again = measure([Path("nowhere.png")], cache, workers=1)
    assert np.array_equal(again.frontal, faces.frontal)
    assert np.array_equal(again.index, faces.index)
    assert [each.name for each in cache.parent.iterdir()] == [cache.name]


def test_faces_kept_by_another_version_are_refused_with_the_remedy(tmp_path: Path) -> None:
    np.savez(tmp_path / "faces.npz", frontal=np.zeros((1, 478, 3)), gradients=np.zeros(1))
    with pytest.raises(InputError, match=r"faces\.npz: faces found by another version; delete the file"):
        measure([], tmp_path / "faces.npz", workers=1)


def test_of_several_faces_the_largest_is_taken(astronaut: Path, tmp_path: Path) -> None:
    photograph = Image.open(astronaut).convert("L")
    with_another = Image.new("L", (800, 512))
    with_another.paste(photograph.resize((280, 280)).transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    with_another.paste(photograph, (288, 0))
    both = measure([np.asarray(with_another)], tmp_path / "both.npz", workers=1)
    assert both.pose[0, 2] < -2  # the small one is in a mirror


def test_some_rows_of_all_columns_are_taken_at_once(faces: Measured) -> None:
    some = faces.where(np.array([False, True, True]))
    assert some.index.tolist() == [2, 3]
    assert np.array_equal(some.patches, faces.patches[1:])


def test_true_strengths_are_what_a_sample_moves_left_and_right() -> None:
    samples = [
        Sample(id="0", source="made", image="0.jpg", details={"moves": {"12": [0.9, 0.0], "43": [0.3, 0.3]}}),
        Sample(id="1", source="made", image="1.jpg", details={"moves": {}}),
    ]
    truth = true_strengths(samples)
    assert truth.shape == (2, len(AU_CODES), 2)
    assert truth[0, AU_CODES.index(12)].tolist() == pytest.approx([0.9, 0.0])
    assert truth[0, AU_CODES.index(43)].tolist() == pytest.approx([0.3, 0.3])
    assert truth.sum() == pytest.approx(1.5)
