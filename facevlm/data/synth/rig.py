"""The face model: ICT-FaceKit (Li et al., "Learning Formation of Physically-Based Face Attributes", CVPR 2020; MIT).

An archive of arrays that the user gives the path of: `neutral` (v, 3) in cm, `triangles`, named `expression_deltas`,
`identity_deltas` in standard deviations, `landmark68` vertex indices. Axes: x to the person's left, y up, z forward.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from zipfile import BadZipFile, is_zipfile

import numpy as np
from numpy.typing import NDArray

from facevlm.data.synth import shapes
from facevlm.errors import InputError

# Which vertices make which part; between the mouth's socket and the gums lie those of the eyes. What follows the
# eyeballs (tear fluid, occlusion, lashes) is left out.
FACE = slice(0, 9409)
HEAD = slice(0, 11248)  # with the neck
MOUTH_SOCKET = slice(11248, 13294)
GUMS = slice(14062, 17039)
TEETH = slice(17039, 21451)
EYEBALLS = {"left": slice(21451, 23021), "right": slice(23021, 24591)}
VERTICES = 24591

_ARRAYS = ("neutral", "triangles", "expression_names", "expression_deltas", "identity_deltas", "landmark68")
WHERE = "`facevlm data rig` makes it of ICT-FaceKit, github.com/ICT-VGL/ICT-FaceKit (MIT)"


@dataclass(frozen=True, eq=False)  # the same rig is the same object
class Rig:
    """The mesh of ICT-FaceKit at rest, and how expressions and persons move it."""

    neutral: NDArray[np.float32]  # (v, 3) cm
    triangles: NDArray[np.int32]  # (t, 3)
    expressions: dict[str, NDArray[np.float32]]  # name → (v, 3) cm at full strength
    identities: NDArray[np.float32]  # (100, v, 3) cm for one standard deviation
    landmarks: NDArray[np.int32]  # (68,) vertices of the 300-W points


@lru_cache(maxsize=1)
def load(path: Path) -> Rig:
    """The rig in an archive.

    Raises:
        InputError: the file is missing, is no such archive, or has other arrays than the rig's.
    """
    if not path.is_file():
        raise InputError(f"{path}: no face model here; {WHERE}")
    try:
        with path.open("rb") as file:
            if not is_zipfile(file):
                raise InputError(f"{path}: not an archive of arrays (.npz); {WHERE}")
        with np.load(path) as arrays:
            missing = [name for name in _ARRAYS if name not in arrays]
            if missing:
                raise InputError(f"{path}: not the ICT-FaceKit archive, it lacks {', '.join(missing)}; {WHERE}")
            return _rig(path, {name: arrays[name] for name in _ARRAYS})
    except (BadZipFile, zlib.error, ValueError, EOFError, OSError) as error:
        raise InputError(f"{path}: cannot be read as an archive of arrays ({error}); {WHERE}") from None


def _rig(path: Path, arrays: dict[str, NDArray[np.generic]]) -> Rig:
    if not _fit(arrays):
        told = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise InputError(f"{path}: its arrays do not fit each other ({told}); {WHERE}")
    names = [str(name) for name in arrays["expression_names"]]
    if missing := shapes.missing(names):
        raise InputError(f"{path}: the face model has no shape {', '.join(missing)}; {WHERE}")
    triangles = arrays["triangles"].astype(np.int32)
    return Rig(
        arrays["neutral"][:VERTICES].astype(np.float32),
        triangles[triangles.max(1) < VERTICES],
        {
            name: delta[:VERTICES].astype(np.float32)
            for name, delta in zip(names, arrays["expression_deltas"], strict=True)
        },
        arrays["identity_deltas"][:, :VERTICES].astype(np.float32),
        arrays["landmark68"].astype(np.int32),
    )


def _fit(arrays: dict[str, NDArray[np.generic]]) -> bool:
    size = {name: array.shape for name, array in arrays.items()}
    names, v = size["expression_names"], size["neutral"][:1]
    return (
        size["neutral"] == (*v, 3)
        and v[0] >= VERTICES
        and size["expression_deltas"] == (*names, *v, 3)
        and size["identity_deltas"][1:] == (*v, 3)
        and size["triangles"][1:] == (3,)
        and size["landmark68"] == (68,)
        and int(arrays["landmark68"].max()) < VERTICES
    )
