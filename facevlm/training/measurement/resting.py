"""`facevlm train cues`: what a resting face measures, from FER+ training faces.

Fits `faces/mean_face.npy` and `faces/resting.json`. The tenth held out for choosing models is left out.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facevlm import files
from facevlm.data import ferplus
from facevlm.errors import InputError
from facevlm.faces import cues
from facevlm.faces import pose as poses
from facevlm.faces.locate import locate
from facevlm.training import recipe
from facevlm.training.measurement.measured import each_face
from facevlm.types import EMOTIONS


def run(config: Path, data: Path, work: Path, workers: int = 2) -> None:
    """Fit the resting face and the scales by the recipe `config` on FER+ in `data`, keeping landmarks in `work`.

    Raises:
        InputError: there are too few resting faces.
    """
    chosen = recipe.read(config, recipe.Cues)
    faces = ferplus.read(data, "train")
    points = landmarks_of(faces.images, work / "landmarks-train.npz", workers)
    usable = ~np.isnan(points[:, 0, 0]) & ~ferplus.held_out(faces.names)
    resting = usable & (faces.strict_majority() == EMOTIONS.index("neutral"))
    if resting.sum() < chosen.fewest:
        raise InputError(
            f"{data}: {resting.sum()} resting faces are too few to fit on; {chosen.fewest} are needed at least"
        )
    np.save(cues.FOLDER / "mean_face.npy", _mean_face(points[resting], chosen.frontal))
    poses.mean_face.cache_clear()
    table = {"cues": _resting_cues(points[resting])}
    (cues.FOLDER / "resting.json").write_text(json.dumps(table, indent=1) + "\n")
    cues.resting_table.cache_clear()


def landmarks_of(images: NDArray[np.uint8], cache: Path, workers: int) -> NDArray[np.float32]:
    """The mesh of each grey face image, (n, 478, 3) in its pixels; NaN where no face was found. Kept in `cache`."""
    if cache.is_file():
        return np.asarray(np.load(cache)["points"])
    found = each_face(_landmarks, list(images), workers)
    cache.parent.mkdir(parents=True, exist_ok=True)
    points = np.stack(found)
    with files.replaced(cache) as partial, partial.open("wb") as written:
        np.savez(written, points=points)
    return points


def _landmarks(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    found = locate(Image.fromarray(image).convert("RGB"))
    return found[0].points if found else np.full((478, 3), np.nan, np.float32)


def _mean_face(points: NDArray[np.float32], frontal: float) -> NDArray[np.float32]:
    """The mean of frontal resting faces, made symmetric, in the axes of the mean face it replaces."""
    turned = (poses.frontalise(each) for each in points)
    mean = np.mean([face for face, pose in turned if abs(pose.yaw) < frontal], axis=0)
    mean -= mean[poses.RIGID].mean(0) * (1, 0, 0)
    mirror = mean * (-1, 1, 1)
    partner = np.argmin(np.linalg.norm(mirror[:, None] - mean[None], axis=2), axis=1)
    symmetric = (mean + mirror[partner]) / 2
    upright, _ = poses.frontalise((symmetric * (1, -1, -1)).astype(np.float32))
    return upright


def _resting_cues(points: NDArray[np.float32]) -> dict[str, Any]:
    measured = [(cues.raw_cues(frontal), pose) for frontal, pose in map(poses.frontalise, points)]
    kinds: dict[str, list[tuple[NDArray[np.float64], float]]] = {}
    for raw, pose in measured:
        for cue in cues.cue_table():
            kinds.setdefault(cue.kind, []).append((cues.pose_terms(pose, cue.side), raw[cue.name]))
    return {kind: _drift(rows) for kind, rows in kinds.items()}


def _drift(rows: list[tuple[NDArray[np.float64], float]]) -> dict[str, Any]:
    """Least squares of a cue on the pose; the spread is robust, so that a stray mesh does not widen it."""
    terms, values = np.stack([row[0] for row in rows]), np.array([row[1] for row in rows])
    drift = np.linalg.lstsq(terms, values, rcond=None)[0]
    residual = values - terms @ drift
    spread = 1.4826 * np.median(np.abs(residual - np.median(residual)))
    return {"drift": [round(float(each), 5) for each in drift], "spread": round(float(spread), 5)}
