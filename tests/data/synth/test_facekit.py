from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from facevlm.data.synth import facekit
from facevlm.errors import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four vertices, one quadrilateral, one identity and one expression, laid out as ICT-FaceKit is."""
    meshes = {
        "generic_neutral_mesh": [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)],
        "identity000": [(0, 0, 0.5), (1, 0, 0), (1, 1, 0), (0, 1, 0)],
        "jawOpen": [(0, -2, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)],
    }
    for name, points in meshes.items():
        lines = ["# licence", *(f"v {x} {y} {z}" for x, y, z in points), "vt 0 0", "f 1/1 2/1 3/1 4/1"]
        (tmp_path / f"{name}.obj").write_text("\n".join(lines) + "\n")
    (tmp_path / "vertex_indices.json").write_text(json.dumps({"idx_to_landmark_verts": [0, 3]}))
    return tmp_path


def test_a_folder_of_meshes_becomes_one_archive_of_differences(folder: Path, tmp_path: Path) -> None:
    assert facekit.archive(folder, tmp_path / "rig.npz") == 1
    with np.load(tmp_path / "rig.npz") as arrays:
        assert arrays["triangles"].tolist() == [[0, 1, 2], [0, 2, 3]]
        assert arrays["expression_names"].tolist() == ["jawOpen"]
        assert arrays["expression_deltas"][0, 0].tolist() == [0, -2, 0]
        assert arrays["identity_deltas"][0, 0].tolist() == [0, 0, 0.5]
        assert arrays["landmark68"].tolist() == [0, 3]


def test_another_folder_is_refused_by_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no generic_neutral_mesh\.obj here; give the folder FaceXModel"):
        facekit.archive(tmp_path, tmp_path / "rig.npz")


def test_a_mesh_of_other_vertices_is_named(folder: Path) -> None:
    (folder / "jawOpen.obj").write_text("v 0 0 0\n")
    with pytest.raises(InputError, match=r"jawOpen\.obj: its vertices are not those of"):
        facekit.archive(folder, folder / "rig.npz")
    assert not (folder / "rig.npz").exists()
