"""Tiny random bases loaded as a recipe says, and all that can be wrong with one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from facevlm.errors import InputError, ModelError, PrerequisiteError
from facevlm.training.tuning import weights
from facevlm.training.tuning.recipe import Supervised
from tests.training.tuning import tiny


def recipe(model: Path | str, **said: Any) -> Supervised:
    return Supervised.model_validate({"model": str(model), "steps": 1, "precision": "fp32"} | said)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make("Idefics3ForConditionalGeneration", tmp_path_factory.mktemp("tiny") / "base")


@pytest.fixture(scope="module")
def adapter(base: Path) -> Path:
    model, _ = weights.load(recipe(base, lora={"rank": 4}))
    model.save_pretrained(base.parent / "adapter")
    return base.parent / "adapter"


def copied(base: Path, folder: Path) -> Path:
    return Path(shutil.copytree(base, folder / "base"))


def test_only_the_adapter_is_trained_and_it_is_on_the_language_part_alone(base: Path) -> None:
    model, _ = weights.load(recipe(base))
    trained = [name for name, weight in model.named_parameters() if weight.requires_grad]
    assert len(trained) == 2 * 7 * 2
    assert all("lora_" in name and ".text_model.layers." in name for name in trained)


def test_four_bits_are_for_the_language_part_and_what_sees_stays_whole(base: Path) -> None:
    from bitsandbytes.nn import Linear4bit

    model, _ = weights.load(recipe(base, four_bit=True, precision="bf16"))
    packed = [name for name, module in model.named_modules() if isinstance(module, Linear4bit)]
    assert len(packed) == 2 * 7
    assert all(".text_model.layers." in name for name in packed)


def test_pixels_limit_what_the_model_is_shown(base: Path) -> None:
    _, reader = weights.load(recipe(base, pixels=32 * 32))
    assert reader.image_processor.size["longest_edge"] == 32


def test_the_adapter_to_start_from_is_trained_on(base: Path, adapter: Path) -> None:
    import torch
    from safetensors.torch import load_file

    model, _ = weights.load(recipe(base, start=adapter, lora={"rank": 4}))
    trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    saved = load_file(adapter / "adapter_model.safetensors")
    assert len(trained) == len(saved) == 28
    for name, weight in saved.items():
        assert torch.equal(trained[name.replace(".weight", ".default.weight")], weight)


def test_an_adapter_names_its_base_as_it_was_given(base: Path, adapter: Path) -> None:
    said = json.loads((adapter / "adapter_config.json").read_text())
    assert said["base_model_name_or_path"] == str(base)


def test_a_model_that_is_nowhere_is_told_how_to_get() -> None:
    with pytest.raises(InputError, match=r"no/such-model: no such folder.*`hf download no/such-model`.*--model"):
        weights.plan(recipe("no/such-model"))


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no config\.json"):
        weights.plan(recipe(tmp_path))


def test_a_base_without_a_chat_template_is_refused(base: Path, tmp_path: Path) -> None:
    bare = copied(base, tmp_path)
    (bare / "chat_template.jinja").unlink()
    with pytest.raises(InputError, match=r"has no chat template; take the instruction-tuned one"):
        weights.load(recipe(bare))


def test_a_model_that_sees_nothing_is_refused(base: Path, tmp_path: Path) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    LlamaForCausalLM(LlamaConfig(vocab_size=8, **tiny.LANGUAGE)).save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"LlamaForCausalLM cannot be tuned"):
        weights.plan(recipe(tmp_path))


def test_pixels_of_an_architecture_of_one_size_are_refused(tmp_path: Path) -> None:
    base = tiny.make("LlavaForConditionalGeneration", tmp_path / "llava")
    with pytest.raises(InputError, match=r"pixels: this architecture shows every picture at one size"):
        weights.load(recipe(base, pixels=4096))


def test_an_adapter_made_for_another_base_is_refused(base: Path, adapter: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.symlink_to(base)
    with pytest.raises(InputError, match=r"start: adapter was made for base, not for other"):
        weights.plan(recipe(other, start=adapter))


def test_an_adapter_that_does_not_fit_is_refused(base: Path, adapter: Path, tmp_path: Path) -> None:
    from transformers import AutoConfig, Idefics3ForConditionalGeneration

    wider = copied(base, tmp_path)
    config = AutoConfig.from_pretrained(wider)
    config.text_config.intermediate_size = 128
    Idefics3ForConditionalGeneration(config).save_pretrained(wider)
    with pytest.raises(InputError, match=r"start: .*adapter does not fit .*base.*size mismatch"):
        weights.load(recipe(wider, start=adapter))


def test_a_folder_that_is_no_adapter_is_refused(base: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"start: .*: no adapter of peft is there"):
        weights.plan(recipe(base, start=tmp_path))


def test_missing_libraries_are_named_with_what_installs_them(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda library: None)
    with pytest.raises(
        PrerequisiteError, match=r"trl, accelerate, datasets not installed; pip install 'facevlm\[train\]'"
    ):
        weights.plan(recipe(base))


def test_too_little_memory_is_answered_with_what_to_lower(base: Path) -> None:
    import torch

    asked = recipe(base, batch=4, accumulate=2, pixels=4096)
    with pytest.raises(InputError) as told, weights.explained(asked):
        torch.empty(1 << 60)
    assert "out of memory; in the recipe try batch: 2 with accumulate: 4, or four_bit: true" in str(told.value)
    assert "pixels below 4096" in str(told.value)


def test_another_failure_in_training_is_no_fault_of_the_input(base: Path) -> None:
    import torch

    with (
        pytest.raises(ModelError, match=r"training failed \(.*\); run again with --debug"),
        weights.explained(recipe(base)),
    ):
        torch.ones(2) @ torch.ones(3)
