"""ICT-FaceKit as its authors publish it, a folder of meshes, made into the one archive that `rig.load` reads.

The folder FaceXModel of github.com/ICT-VGL/ICT-FaceKit holds generic_neutral_mesh.obj, identity000.obj and so on, one
mesh for each expression, all with the same vertices, and vertex_indices.json with `idx_to_landmark_verts`.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facevlm.errors import InputError
from facevlm.files import replaced

NEUTRAL, INDICES, LANDMARKS = "generic_neutral_mesh.obj", "vertex_indices.json", "idx_to_landmark_verts"


def archive(folder: Path, out: Path) -> int:
    """Write the archive of a FaceXModel folder and return its number of expressions.

    Raises:
        InputError: the folder lacks a file, or a mesh has other vertices than the neutral one.
    """
    missing = [name for name in (NEUTRAL, INDICES, "identity000.obj") if not (folder / name).is_file()]
    if missing:
        raise InputError(f"{folder}: no {missing[0]} here; give the folder FaceXModel of ICT-FaceKit")
    neutral = _vertices(folder / NEUTRAL)
    identities = sorted(folder.glob("identity*.obj"))
    expressions = sorted(set(folder.glob("*.obj")) - {*identities, folder / NEUTRAL})
    arrays = {
        "neutral": neutral,
        "triangles": _triangles(folder / NEUTRAL),
        "expression_names": np.array([file.stem for file in expressions]),
        "expression_deltas": _deltas(expressions, neutral),
        "identity_deltas": _deltas(identities, neutral),
        "landmark68": np.array(json.loads((folder / INDICES).read_text())[LANDMARKS], np.int32),
    }
    with replaced(out) as partial, partial.open("wb") as written:
        np.savez_compressed(written, **arrays)
    return len(expressions)


def _deltas(files: list[Path], neutral: NDArray[np.float32]) -> NDArray[np.float16]:
    """How each mesh differs from the neutral one, (n, v, 3) cm."""
    meshes = [_vertices(file) for file in files]
    other = next((file for file, mesh in zip(files, meshes, strict=True) if mesh.shape != neutral.shape), None)
    if other is not None:
        raise InputError(f"{other}: its vertices are not those of {NEUTRAL}; fetch the folder anew")
    return np.array([mesh - neutral for mesh in meshes], np.float16)


def _vertices(file: Path) -> NDArray[np.float32]:
    with file.open(encoding="utf-8") as lines:
        return np.array([line.split()[1:4] for line in lines if line.startswith("v ")], np.float32)


def _triangles(file: Path) -> NDArray[np.int32]:
    """Polygons as fans of triangles. A corner is «vertex/texture», counted from 1."""
    with file.open(encoding="utf-8") as lines:
        polygons = [
            [int(corner.split("/")[0]) - 1 for corner in line.split()[1:]] for line in lines if line[:2] == "f "
        ]
    fans = [(first, a, b) for first, *rest in polygons for a, b in pairwise(rest)]
    return np.array(fans, np.int32)
