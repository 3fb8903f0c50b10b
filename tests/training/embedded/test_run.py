"""Base and adapter trained for an epoch each on a few faces: every stage, its checkpoints, and what comes out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facevlm import FaceReasoner
from facevlm.errors import InputError
from facevlm.models.local import LocalModel
from facevlm.training.embedded import adapter, base, language, nano
from facevlm.training.embedded.arrays import array_file, face_arrays, save
from facevlm.training.recipe import Lora

LANGUAGE = "language: {tasks: {TASK: 0.8, sov-question: 0.2}, epochs: 1, rate: 0.001, batch: 8, synthetic: 0.3}\n"
RENDERS = "renders: {explain: 24}\n"
WORDS = "words: {texts: 24, rate: 0.001, batch: 8}\n"
BASE = "teacher_epochs: 1\ntower_epochs: 1\n" + WORDS + RENDERS + LANGUAGE.replace("TASK", "sov-label")
SFT = "base: ./nano-base\nlora: {rank: 4, alpha: 8}\n" + RENDERS + LANGUAGE.replace("TASK", "sov-cot")


@pytest.fixture(scope="module")
def trained(ferplus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    (folder / "base.yaml").write_text(BASE)
    (folder / "sft.yaml").write_text(SFT)
    for work in ("work", "elsewhere"):  # of the base an adapter needs its folder alone
        pretend_renders(ferplus_folder, folder / work)
    base.run(folder / "base.yaml", ferplus_folder, None, folder / "work", folder / "nano-base", workers=1)
    adapter.run(folder / "sft.yaml", ferplus_folder, None, folder / "elsewhere", folder / "nano-facs", workers=1)
    return folder


def pretend_renders(ferplus_folder: Path, work: Path) -> None:
    """Arrays of synthetic faces, as a machine without a renderer is given them; the pictures are the same ones."""
    faces = face_arrays(ferplus_folder, "train", work, nano.IMAGE_SIZE, workers=1)
    truth = np.random.default_rng(0).choice([0.0, 0.5], (len(faces), 24, 2)).astype(np.float32)
    unlabelled = replace(faces, truth=truth, votes=0 * faces.votes, majority=0 * faces.majority - 1)
    save(unlabelled, array_file(Path("explain"), work, nano.IMAGE_SIZE))


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


def test_an_adapter_tuned_further_is_calibrated_by_the_same_faces(
    trained: Path, ferplus_folder: Path, tmp_path: Path
) -> None:
    import shutil

    tuned = shutil.copytree(trained / "nano-facs", tmp_path / "tuned")
    (tuned / "facevlm.json").unlink()
    adapter.calibrate(tuned, trained / "nano-base", "sov-cot", ferplus_folder, trained / "elsewhere", workers=1)
    assert (tuned / "facevlm.json").read_text() == (trained / "nano-facs" / "facevlm.json").read_text()


def test_the_adapter_learns_from_what_its_base_says_unexplained(trained: Path, ferplus_folder: Path) -> None:
    import torch
    from transformers import AutoModelForImageTextToText, AutoTokenizer

    photographs, _ = base.split(ferplus_folder, trained / "work", 1)
    model = AutoModelForImageTextToText.from_pretrained(trained / "nano-base", dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(trained / "nano-base")
    opinion = adapter._opinion(model, tokenizer, photographs.voted(), others=2)
    known = language.commitments(model, tokenizer, photographs.voted(), "sov-label").softmax(1)
    assert torch.allclose(opinion(torch.tensor([3, 0]), torch.empty(0)), known[[3, 0]])
    assert not opinion(torch.tensor([len(known) + 1]), torch.empty(0)).any()


def test_the_adapter_touches_the_language_part_alone(trained: Path) -> None:
    """vLLM serves no adapted vision weights."""
    from safetensors import safe_open

    with safe_open(trained / "nano-facs" / "adapter_model.safetensors", "pt") as weights:
        names = list(weights.keys())
    assert len(names) == 4 * 7 * 2
    assert all("text_model" in name for name in names)


def test_the_sum_of_an_adapters_weights_gives_what_the_sum_of_its_outputs_gives(trained: Path) -> None:
    """The first is how it is trained, the second how peft and vLLM serve it."""
    import torch
    from peft.tuners.lora import LoraLayer
    from transformers import AutoModelForImageTextToText

    base_model = AutoModelForImageTextToText.from_pretrained(trained / "nano-base", dtype=torch.float32)
    adapted = adapter._with_lora(base_model, Lora(rank=4, alpha=8)).eval()
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    ids = torch.arange(300, 320)[None]
    with torch.no_grad():
        summed = adapted(input_ids=ids).logits
        for layer in adapted.modules():
            if isinstance(layer, LoraLayer):
                del layer.forward
        served = adapted(input_ids=ids).logits
    assert torch.allclose(summed, served, atol=1e-4)


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
    base.run(trained / "base.yaml", ferplus_folder, None, trained / "work", tmp_path, workers=1)
    assert not any("epoch" in message for message in caplog.messages)
    assert (tmp_path / "model.safetensors").read_bytes() == (trained / "nano-base" / "model.safetensors").read_bytes()


def test_without_a_face_model_missing_renders_are_asked_for(
    trained: Path, ferplus_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "base.yaml").write_text(BASE)
    with pytest.raises(InputError, match="give the face model with --rig"):
        base.run(tmp_path / "base.yaml", ferplus_folder, None, tmp_path / "work", tmp_path / "out", workers=1)
