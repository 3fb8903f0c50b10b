"""The networks of the skin: what only patches show is learned, and numpy tells the same of it as torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from facevlm.faces.appearance import PATCHES, SIDE
from facevlm.faces.regressor import Layers, seen
from facevlm.training.measurement import skin
from facevlm.training.recipe import ActionUnits
from facevlm.types import AU_CODES

FACES, MESH = 160, 2 + 3 + 3  # two components of the brows, three of the shape, and the pose
KNOT, MOUTH = (list(PATCHES).index(name) for name in ("knot", "mouth"))


def made() -> tuple[np.ndarray, np.ndarray]:
    """Patches of noise, (n, 2, p, SIDE, SIDE), on half of which AU 4 draws two furrows, and what is true of them."""
    rng = np.random.default_rng(0)
    patches = rng.integers(90, 160, (FACES, 2, len(PATCHES), SIDE, SIDE), np.uint8)
    truth = np.zeros((FACES, 2, len(AU_CODES)), np.float32)
    frowning = np.arange(FACES) % 2 == 0
    patches[frowning, :, KNOT, 8:56, 22:26] = patches[frowning, :, KNOT, 8:56, 38:42] = 10
    truth[frowning, :, AU_CODES.index(4)] = 1
    return patches, truth


def fitted(file: Path, epochs: int) -> Layers:
    chosen = ActionUnits.model_validate(
        {"renders": {}, "skin": 4, "skin_epochs": epochs, "hidden": (8,), "dropout": 0, "batch": 32, "rate": 0.01}
    )
    patches, truth = made()
    mesh = np.zeros((FACES, 2, MESH), np.float32)
    return skin.fit(patches, mesh, truth, (2, 3, chosen.skin), chosen, file)


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory) -> Layers:
    return fitted(tmp_path_factory.mktemp("skin") / "skin.pt", epochs=4)


def test_what_only_the_skin_shows_is_told_apart(layers: Layers) -> None:
    patches, truth = made()
    told = seen(layers, patches[:, 0]).reshape(FACES, len(PATCHES), -1)
    frowning = truth[:, 0, AU_CODES.index(4)] > 0
    apart = np.abs(told[frowning].mean(0) - told[~frowning].mean(0)) / (told.std(0) + 1e-3)
    assert apart[KNOT].max() > 1.5
    assert apart[MOUTH].max() < 0.6


def test_numpy_tells_what_torch_tells() -> None:
    torch.manual_seed(0)
    network = skin.Skin(told=5)
    for _ in range(3):
        network(skin.seen_otherwise(torch.from_numpy(made()[0][:, 0])))  # so that there is something to be folded in
    patches = made()[0][:6, 1]
    expected = network.eval()(torch.from_numpy(patches).float()).detach().numpy()
    assert seen(network.layers(), patches) == pytest.approx(expected, abs=1e-4)
    assert expected.shape == (6, 5 * len(PATCHES))


def test_a_run_that_was_interrupted_goes_on_and_ends_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fitted(tmp_path / "whole.pt", epochs=2)
    saved = skin.checkpoint.save

    def interrupted(state: dict[str, object], file: Path) -> None:
        saved(state, file)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(skin.checkpoint, "save", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fitted(tmp_path / "cut.pt", epochs=2)
    again = fitted(tmp_path / "cut.pt", epochs=2)
    for (weight, bias), (other, shift) in zip(again, whole, strict=True):
        assert weight == pytest.approx(other, abs=1e-4)
        assert bias == pytest.approx(shift, abs=1e-4)


def test_patches_shown_otherwise_are_the_same_skin_and_leave_those_given_as_they_were() -> None:
    patches = torch.from_numpy(made()[0][:, 0])
    before = patches.clone()
    shown = skin.seen_otherwise(patches)
    assert torch.equal(patches, before)
    assert shown.shape == patches.shape
    assert not torch.equal(shown, patches.float())
    furrow = shown[::2, KNOT, 20:44, 22:26].mean() - shown[::2, KNOT, 20:44, 30:34].mean()
    assert furrow < -40
