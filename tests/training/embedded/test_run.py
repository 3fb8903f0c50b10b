"""Base and adapter trained for an epoch each on a few faces: every stage, its checkpoints, and what comes out."""

from __future__ import annotations

from pathlib import Path

import pytest

from facevlm import FaceReasoner
from facevlm.models.local import LocalModel
from facevlm.training.embedded import adapter, base

LANGUAGE = "language: {tasks: {TASK: 1.0}, epochs: 1, rate: 0.001, batch: 8}\n"
BASE = "teacher_epochs: 1\ntower_epochs: 1\n" + LANGUAGE.replace("TASK", "sov-label")
SFT = "base: ./nano-base\nlora: {rank: 4, alpha: 8}\n" + LANGUAGE.replace("TASK", "sov-cot")


@pytest.fixture(scope="module")
def trained(ferplus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    (folder / "base.yaml").write_text(BASE)
    (folder / "sft.yaml").write_text(SFT)
    base.run(folder / "base.yaml", ferplus_folder, folder / "work", folder / "nano-base", workers=1)
    adapter.run(folder / "sft.yaml", ferplus_folder, folder / "work", folder / "nano-facs", workers=1)
    return folder


def test_what_was_trained_explains_a_photograph(trained: Path, astronaut: Path) -> None:
    model = LocalModel(trained / "nano-base", trained / "nano-facs", name="trained", threads=1)
    (face,) = FaceReasoner(model=model).analyze(astronaut).faces
    assert face.error is None
    assert face.explanation is not None
    assert face.explanation.probabilities is not None


def test_the_adapter_carries_the_temperature_it_was_calibrated_at(trained: Path) -> None:
    import json

    from facevlm.training.embedded.language import TEMPERATURES

    assert json.loads((trained / "nano-facs" / "facevlm.json").read_text())["temperature"] in TEMPERATURES


def test_the_adapter_touches_the_language_part_alone(trained: Path) -> None:
    """vLLM serves no adapted vision weights."""
    from safetensors import safe_open

    with safe_open(trained / "nano-facs" / "adapter_model.safetensors", "pt") as weights:
        names = list(weights.keys())
    assert len(names) == 4 * 7 * 2
    assert all("text_model" in name for name in names)


def test_both_configurations_tie_the_word_embeddings(trained: Path) -> None:
    """With one of the two missing vLLM serves a random head without a warning."""
    import json

    config = json.loads((trained / "nano-base" / "config.json").read_text())
    assert config["tie_word_embeddings"] is True
    assert config["text_config"]["tie_word_embeddings"] is True


def test_a_finished_run_is_not_trained_again(
    trained: Path, ferplus_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="facevlm")
    base.run(trained / "base.yaml", ferplus_folder, trained / "work", tmp_path, workers=1)
    assert not any("epoch" in message for message in caplog.messages)
    assert (tmp_path / "model.safetensors").read_bytes() == (trained / "nano-base" / "model.safetensors").read_bytes()
