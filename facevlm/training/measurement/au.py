"""`facevlm train au`: the measurement of action units, fitted on synthetic faces and set to rest on real ones.

Renders go through the finder users' photos pass. `skin.py` learns from them what patches of skin tell, `networks.py`
what that and the mesh tell of action units; and it learns from what is known of real faces without their action units
having been coded. Of a difference between the sides as much is kept as is true on people left out of fitting. Then
`scale.py` lays outputs on the scale of FACS. A unit that is not told apart well enough is not measured.

What is trained on the same real faces is told of them by networks fitted without them: `folds.py`.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from facevlm import files
from facevlm.data import ferplus
from facevlm.data.sample import Sample, read_samples
from facevlm.data.synth import produce
from facevlm.data.synth import recipe as synth_recipe
from facevlm.errors import InputError
from facevlm.faces import regressor
from facevlm.faces.pose import mean_face
from facevlm.faces.regressor import VALUES, Projection, Regressor, upper_points
from facevlm.training import recipe
from facevlm.training.measurement import folds, networks, scale, skin
from facevlm.training.measurement.measured import Measured, measure, true_strengths
from facevlm.training.measurement.networks import Real, Renders
from facevlm.training.measurement.reliability import PRESENT, Reliability, reliability, true_differences
from facevlm.types import AU_CODES, EMOTIONS

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]
Faces = TypeVar("Faces", Renders, Real)
REAL_LEFT_OUT = 5  # one real face in so many is left out of fitting: what it fitted, it knows to be at rest
MODERATE_YAW = 30.0  # degrees


def run(config: Path, rig: Path, data: Path, work: Path, workers: int = 2) -> dict[int, Reliability]:
    """Render, fit and write `faces/action_units.{npz,json}` and `folds.npz`; what was made before in `work` is used.

    Returns:
        The reliability of each action unit on people left out of fitting.

    Raises:
        InputError: the rig or the recipe is none, or there are too few resting faces.
    """
    chosen = recipe.read(config, recipe.ActionUnits)
    real, resting, agreed, fold = _real(data, work, workers, chosen)
    renders, samples = _renders(chosen, rig, work, workers)
    left_out = np.array([_left_out(sample) for sample in samples])
    truth = true_strengths(samples).transpose(0, 2, 1)
    blank = _without_units(chosen, renders.where(~left_out), truth[~left_out], real, work)
    rendered = Renders(_features(blank, renders), truth)
    seen = Real(_features(blank, real), resting, agreed)
    sources = {f"synth/{name}" for name in chosen.usual or chosen.renders}
    usual = np.array([sample.source in sources for sample in samples])[left_out]
    material = _where(rendered, ~left_out), _where(rendered, left_out), usual, seen
    fitted = _fitted(blank, *material, np.arange(len(real)) % REAL_LEFT_OUT == 0, chosen)
    by_fold = [_fitted(blank, *material, fold == each, chosen) for each in range(folds.COUNT)]
    hard = np.array([_hard(sample) for sample in samples])[left_out]
    strengths = fitted.strengths(fitted.evened(fitted.raw(rendered.features[left_out][hard])))
    found = reliability(strengths, truth[left_out][hard])
    _write(fitted, found, chosen)
    folds.write(by_fold)
    return found


def _fitted(
    blank: Regressor,
    renders: Renders,
    check: Renders,
    usual: NDArray[np.bool_],
    real: Real,
    left_out: NDArray[np.bool_],
    chosen: recipe.ActionUnits,
) -> Regressor:
    """`blank` fitted on `renders` and those real faces that are not `left_out`; its scale is set on the others.

    `check` are renders of other people, and `usual` says which of them are as seldom one-sided as faces are.
    """
    upper, lower = networks.fit(blank, renders, _where(real, ~left_out), chosen)
    network, quiet = replace(blank, upper=upper, lower=lower), _where(real, left_out)
    outputs = network.raw(check.features[usual])
    apart = replace(network, knots=scale.knots(network, check, quiet, chosen)).strengths(outputs)
    network = replace(network, kept=true_differences(apart, check.truth[usual]))
    return replace(network, knots=scale.knots(network, check, quiet, chosen))


def _real(
    data: Path, work: Path, workers: int, chosen: recipe.ActionUnits
) -> tuple[Measured, NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    """FER+ training faces, which of them are at rest, the emotion that nearly all saw in each, or -1, and their folds.

    The tenth held out for choosing models is left out.
    """
    faces = ferplus.read(data, "train")
    faces = faces.where(~ferplus.held_out(faces.names))
    log.info("finding %d real faces", len(faces))
    real = measure(list(faces.images), work / "real.npz", workers)
    resting = faces.strict_majority()[real.index] == EMOTIONS.index("neutral")
    if resting.sum() < chosen.fewest:
        raise InputError(
            f"{data}: {resting.sum()} resting faces are too few to fit on; {chosen.fewest} are needed at least"
        )
    votes = faces.votes[real.index].astype(np.float32)
    emotions = votes[:, : len(EMOTIONS)]
    agreed = np.where(emotions.max(1) >= chosen.agreement * votes.sum(1), emotions.argmax(1), -1)
    return real, resting, agreed, folds.of(faces.names[real.index])


def _renders(chosen: recipe.ActionUnits, rig: Path, work: Path, workers: int) -> tuple[Measured, list[Sample]]:
    """The synthetic faces of all recipes that were found, and their truth."""
    parts, samples = [], []
    for name, count in chosen.renders.items():
        asked = synth_recipe.read(name, count=count)
        folder = work / asked.name
        log.info("rendering %d pictures of %s", count, asked.name)
        produce.produce(asked, rig, folder, workers)
        told, _ = read_samples(folder / produce.SAMPLES)
        faces = measure([folder / each.image for each in told], work / f"{asked.name}.npz", workers)
        parts.append(faces)
        samples += [told[index] for index in faces.index]
    return _joined(parts), samples


def _joined(parts: Sequence[Measured]) -> Measured:
    return Measured(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Measured)))


def _where(faces: Faces, mask: NDArray[np.bool_]) -> Faces:
    return faces._replace(**{name: part[mask] for name, part in faces._asdict().items()})


def _left_out(sample: Sample) -> bool:
    """Whether a person belongs to the tenth that reliability is measured on."""
    assert sample.group is not None
    return int(sample.group.split("-")[1]) % 10 == 0


def _hard(sample: Sample) -> bool:
    """Whether a face shows several units at once, as real faces do, and is not turned far: these reliability is of."""
    return bool(sample.details["kind"] == "random" and abs(sample.details["pose"]["yaw"]) <= MODERATE_YAW)


def _without_units(
    chosen: recipe.ActionUnits, renders: Measured, truth: Floats, real: Measured, work: Path
) -> Regressor:
    """A regressor that describes faces; what their action units are, it cannot tell yet."""
    unknown = np.ones(len(AU_CODES), np.float32), np.zeros((len(AU_CODES), len(VALUES)), np.float32)
    blank = Regressor(*_projections(chosen, renders, real), (), (), (), *unknown)
    sizes = chosen.brow, chosen.shape, chosen.skin
    mesh = blank.mesh(renders.frontal, renders.pose)
    settings = hashlib.sha256(chosen.model_dump_json(include=set(skin.SETTINGS)).encode()).hexdigest()
    file = work / f"skin-{settings[:8]}.pt"
    return replace(blank, skin=skin.fit(renders.patches, mesh, truth, sizes, chosen, file))


def _projections(chosen: recipe.ActionUnits, renders: Measured, real: Measured) -> tuple[Projection, Projection]:
    """Of the upper part of the mesh and of the whole of it.

    Principal components over renders and as many real faces, both as seen and in a mirror.
    """
    step = max(1, len(real) // max(1, len(renders) // 2))
    frontal = np.concatenate([renders.frontal[::2], real.frontal[::step]])
    frontal = np.concatenate([frontal, regressor.mirrored(frontal)]) - mean_face()
    parts = ((frontal[:, upper_points()], chosen.brow), (frontal, chosen.shape))
    brow, shape = (_components(part.reshape(len(part), -1), count, floor=0.002) for part, count in parts)
    return brow, shape


def _components(rows: NDArray[Any], count: int, floor: float) -> Projection:
    """The main components; narrow ones, which are mostly noise, are widened less: `floor` is a share of the widest."""
    rows = rows.astype(np.float32)
    mean = rows.mean(0)
    spread, basis = np.linalg.eigh(np.cov(rows - mean, rowvar=False))
    widths = np.sqrt(np.maximum(spread[::-1][:count], 0))
    scale = widths + floor * widths[0]
    return Projection(mean, basis[:, ::-1][:, :count].astype(np.float32), scale.astype(np.float32))


def _features(projected: Regressor, faces: Measured) -> Floats:
    parts = np.array_split(np.arange(len(faces)), max(1, len(faces) // 16))
    return np.concatenate(
        [projected.describe(faces.frontal[rows], faces.pose[rows], faces.patches[rows]) for rows in parts]
    )


def _rounded(value: float) -> float | None:
    """To three decimals; JSON has no word for what is not a number."""
    return None if np.isnan(value) else round(value, 3)


def _write(fitted: Regressor, found: dict[int, Reliability], chosen: recipe.ActionUnits) -> None:
    arrays = {name: array.astype(np.float16) for name, array in regressor.to_arrays(fitted).items()}
    rows = {
        str(code): {
            "threshold": PRESENT,
            "measured": each.present >= chosen.least_present and each.auc >= chosen.least_auc,
            **{name: _rounded(value) for name, value in each._asdict().items()},
        }
        for code, each in found.items()
    }
    content = {"made_by": "facevlm train au facevlm/faces/action_units.recipe.yaml", "action_units": rows}
    with files.replaced(regressor.WEIGHTS) as partial, partial.open("wb") as weights:
        np.savez_compressed(weights, **arrays | {"kept": fitted.kept, "knots": fitted.knots})
    files.write(regressor.TABLE, json.dumps(content, indent=1) + "\n")
    regressor.regressor.cache_clear()
    regressor.table.cache_clear()
