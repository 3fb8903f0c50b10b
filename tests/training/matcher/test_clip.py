"""The matcher trained for two epochs on a few faces: what it writes, and what it goes on from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("open_clip", reason="the extra «clip» is not installed")

import torch

from facevlm.errors import InputError
from facevlm.matching.matcher import Matcher
from facevlm.training.embedded.arrays import FaceArrays, array_file, face_arrays, save
from facevlm.training.matcher import clip
from facevlm.types import EMOTIONS

RECIPE = (
    "renders: {explain: 24}\nepochs: 2\nbatch: 8\ntexts: 2\nwords: 32\nlayers: 1\ndim: 32\n"
    "description: a small matcher\n"
)


@pytest.fixture(scope="module")
def trained(ferplus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    (folder / "clip.yaml").write_text(RECIPE)
    faces = photographs(ferplus_folder, folder)
    truth = np.random.default_rng(0).choice([0.0, 0.5], (len(faces), 24, 2)).astype(np.float32)
    unlabelled = replace(faces, truth=truth, votes=0 * faces.votes, majority=0 * faces.majority - 1)
    save(unlabelled, array_file(Path("explain"), folder / "work", clip.CROP))
    clip.run(folder / "clip.yaml", ferplus_folder, None, folder / "work", folder / "matcher", 1)
    return folder


def photographs(ferplus_folder: Path, folder: Path) -> FaceArrays:
    return face_arrays(ferplus_folder, "train", folder / "work", clip.CROP, workers=1)


def test_what_was_trained_matches_faces_with_texts(trained: Path) -> None:
    matcher = Matcher(str(trained / "matcher"))
    likeness = matcher.texts(["a happy face", "the left lip corner is raised"])
    assert likeness.shape == (2, 32)
    np.testing.assert_allclose(np.linalg.norm(likeness, axis=1), 1, rtol=1e-3)


def test_a_run_leaves_its_recipe_and_what_a_card_tells(trained: Path) -> None:
    facts = json.loads((trained / "matcher" / "run.json").read_text())
    assert facts["command"] == "train clip"
    assert 0 <= facts["accuracy_held_out"]["label matching"] <= 1
    assert (trained / "matcher" / "recipe.yaml").read_text() == RECIPE


def test_an_interrupted_run_ends_with_the_same_weights(
    trained: Path, ferplus_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in its second epoch, the run goes on from the first."""
    whole = torch.load(trained / "work" / "clip.pt", weights_only=True)
    (trained / "work" / "clip.pt").unlink()
    keep = clip.checkpoint.save

    def killed(state: dict[str, object], file: Path) -> None:
        keep(state, file)
        raise KeyboardInterrupt

    monkeypatch.setattr(clip.checkpoint, "save", killed)
    again = (trained / "clip.yaml", ferplus_folder, None, trained / "work", trained / "again", 1)
    with pytest.raises(KeyboardInterrupt):
        clip.run(*again)
    monkeypatch.undo()
    clip.run(*again)
    resumed = torch.load(trained / "work" / "clip.pt", weights_only=True)
    assert all(torch.equal(each, resumed["model"][name]) for name, each in whole["model"].items())


def test_an_emotion_left_out_is_in_no_photograph_and_no_vote(trained: Path, ferplus_folder: Path) -> None:
    faces = photographs(ferplus_folder, trained)
    neutral, happiness = EMOTIONS.index("neutral"), EMOTIONS.index("happiness")
    votes = np.zeros((len(faces), 8), np.float32)
    votes[:, [neutral, happiness]] = 0.7, 0.3
    votes[::2, [neutral, happiness]] = 0.3, 0.7
    left = clip.unseen_left_out(replace(faces, votes=votes), "happiness")
    assert len(left) == len(faces) // 2
    np.testing.assert_allclose(left.votes[:, neutral], 1)


def test_without_labels_nothing_is_known_of_votes(trained: Path, ferplus_folder: Path) -> None:
    blind = clip.unvoted(photographs(ferplus_folder, trained))
    assert blind.votes.sum() == 0
    assert (blind.majority == -1).all()


def test_a_recipe_without_synthetic_faces_is_refused(trained: Path, ferplus_folder: Path) -> None:
    (trained / "bare.yaml").write_text(RECIPE.replace("{explain: 24}", "{}"))
    with pytest.raises(InputError, match="renders"):
        clip.run(trained / "bare.yaml", ferplus_folder, None, trained / "work", trained / "bare", 1)
