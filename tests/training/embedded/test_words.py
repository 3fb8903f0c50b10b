"""Texts learned before any face is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from facevlm.training.embedded import nano, words
from facevlm.training.embedded.arrays import FaceArrays, face_arrays
from facevlm.training.recipe import Words

SHORT = Words(texts=32, rate=0.001, batch=4)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return nano.tokenizer(["AU 12 is there", "AU 4 is there"])


@pytest.fixture(scope="module")
def faces(ferplus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> FaceArrays:
    return face_arrays(ferplus_folder, "train", tmp_path_factory.mktemp("arrays"), nano.IMAGE_SIZE, workers=1)


def trained(tokenizer: Any, faces: FaceArrays, out: Path, recipe: Words = SHORT) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    model = nano.model(tokenizer)
    words.train(model, tokenizer, faces, out, recipe, seed=0)
    return {name: weight.clone() for name, weight in model.state_dict().items()}


def test_the_tower_is_left_as_it_is(tokenizer: Any, faces: FaceArrays, tmp_path: Path) -> None:
    torch.manual_seed(0)
    fresh = nano.model(tokenizer).state_dict()
    after = trained(tokenizer, faces, tmp_path / "words.pt")
    changed = {name for name in fresh if not torch.equal(fresh[name], after[name])}
    assert changed
    assert all("text_model" in name or "lm_head" in name for name in changed)


def test_an_interrupted_run_ends_as_one_that_was_not(
    tokenizer: Any, faces: FaceArrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words, "SAVED_EVERY", 4)
    whole = trained(tokenizer, faces, tmp_path / "whole.pt")

    step, taken = words.language.step, iter(range(6))

    def interrupted(*given: Any) -> float:
        if next(taken, None) is None:
            raise KeyboardInterrupt
        return step(*given)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(words.language, "step", interrupted)
        trained(tokenizer, faces, tmp_path / "parts.pt")
    resumed = trained(tokenizer, faces, tmp_path / "parts.pt")
    assert all(torch.allclose(whole[name], resumed[name], atol=1e-6) for name in whole)


def test_units_are_crossed_whole_and_sides_change_together() -> None:
    ones, twos = np.ones((400, 24, 3), np.float32), np.full((400, 24, 3), 2, np.float32)
    ones[:, :, 1], twos[:, :, 1] = 3, 4  # the left
    mixed = words.crossed(ones, twos, np.random.default_rng(0))
    kinds = {tuple(unit) for face in mixed for unit in face.tolist()}
    assert kinds == {(1, 3, 1), (1, 1, 3), (2, 4, 2), (2, 2, 4)}
    assert all(len({unit[1] > unit[2] for unit in face.tolist()}) == 1 for face in mixed)
