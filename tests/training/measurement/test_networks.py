"""What the networks learn of real faces: features are made, each a number that one movement shifts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from facevlm.faces.appearance import PATCHES
from facevlm.faces.regressor import VALUES, Projection, Regressor
from facevlm.training.measurement import networks
from facevlm.training.measurement.networks import Real, Renders
from facevlm.training.recipe import ActionUnits
from facevlm.types import AU_CODES, EMOTIONS

BROW, MOUTH, NOSE, FEATURES = 0, 1, 2, 3 + len(PATCHES) + 3
FACES = 800


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small are slower on two."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def chosen(**changed: object) -> ActionUnits:
    small = {"renders": {}, "hidden": (24,), "dropout": 0.0, "skin_dropout": 0.0, "epochs": 20, "batch": 128}
    return ActionUnits.model_validate(small | changed)


def fitted(real: Real, **changed: object) -> Regressor:
    """Renders whose AU 4 moves the brow, AU 12 the mouth and AU 9 the nose."""
    rng = np.random.default_rng(0)
    truth = np.zeros((FACES, 2, 24), np.float32)
    features = rng.normal(0, 0.1, (FACES, 2, FEATURES)).astype(np.float32)
    for place, code in ((BROW, 4), (MOUTH, 12), (NOSE, 9)):
        moved = rng.uniform(0, 1, (FACES, 1)) * (rng.random((FACES, 1)) < 0.4)
        truth[..., AU_CODES.index(code)] = moved
        features[..., place] += 2 * moved
    blank = Regressor(
        Projection(np.zeros(1, "f4"), np.zeros((1, 1), "f4"), np.ones(1, "f4")),
        Projection(np.zeros(1, "f4"), np.zeros((1, 2), "f4"), np.ones(2, "f4")),
        ((np.zeros((len(PATCHES), 1, 1), "f4"), np.zeros((len(PATCHES), 1, 1), "f4")),),
        (),
        (),
        np.ones(24, np.float32),
        np.zeros((24, len(VALUES)), np.float32),
    )
    upper, lower = networks.fit(blank, Renders(features, truth), real, chosen(**changed))
    return replace(blank, upper=upper, lower=lower)


def real(emotion: str, **moved: float) -> Real:
    """Resting faces, and as many of an emotion, which have moved so."""
    rng = np.random.default_rng(1)
    features = rng.normal(0, 0.1, (600, 2, FEATURES)).astype(np.float32)
    for place, name in ((BROW, "brow"), (MOUTH, "mouth"), (NOSE, "nose")):
        features[300:, :, place] += moved.get(name, 0.0)
    resting = np.arange(600) < 300
    return Real(features, resting, np.where(resting, EMOTIONS.index("neutral"), EMOTIONS.index(emotion)))


def outputs(regressor: Regressor, faces: Real, code: int) -> float:
    """The mean output of faces that do not rest, above that of those that do."""
    told = regressor.raw(faces.features)[..., AU_CODES.index(code)].mean(1)
    return float(told[~faces.resting].mean() - told[faces.resting].mean())


def test_what_sets_photographs_apart_from_renders_at_rest_is_no_movement() -> None:
    """Noses of real faces are drawn as those of renders with AU 9 at 0.3."""
    faces = real("fear")
    faces.features[..., NOSE] += 0.6
    told = fitted(faces, voted=0).raw(faces.features)[..., AU_CODES.index(9)]
    assert told.mean() < 0.2
    faces.features[..., NOSE] += 1.2
    assert fitted(real("fear"), voted=0).raw(faces.features)[..., AU_CODES.index(9)].mean() > 0.6


def test_what_follows_a_real_smile_is_no_other_unit() -> None:
    smiles = real("happiness", mouth=1.4, nose=0.8)  # noses of renders do not follow their mouths
    plain, smiling = (fitted(smiles, smiling=often, voted=0) for often in (0, 1))
    assert outputs(plain, smiles, 9) > 0.25
    assert outputs(smiling, smiles, 9) < outputs(plain, smiles, 9) / 2
    assert outputs(smiling, smiles, 12) > 0.4


def test_a_nose_that_wrinkles_by_itself_is_still_seen() -> None:
    wrinkled = real("disgust", nose=1.6)
    smiles = real("happiness", mouth=1.4, nose=0.8)
    assert outputs(fitted(smiles, smiling=1, voted=0), wrinkled, 9) > 0.5


def test_brows_of_angry_faces_teach_what_renders_do_not_show() -> None:
    angry = real("anger", brow=0.3)  # real brows move less than rendered ones
    without, taught = (fitted(angry, voted=weight) for weight in (0, 3))
    assert outputs(taught, angry, 4) > outputs(without, angry, 4) + 0.05


def test_an_angry_mouth_teaches_nothing_of_brows() -> None:
    angry = real("anger", mouth=1.4)
    assert outputs(fitted(angry, voted=3), angry, 4) < 0.03


def test_without_smiles_and_votes_it_is_fitted_on_renders_alone() -> None:
    rested = real("contempt")
    rested = Real(rested.features, rested.resting, np.full(600, -1))
    assert outputs(fitted(rested), real("anger", brow=1.6), 4) > 0.5
