"""Runs of two or three steps on tiny random models of each architecture, through TRL, peft and bitsandbytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from facevlm.errors import InputError
from facevlm.training.tuning import curves, recipe, supervised, weights
from facevlm.training.tuning.architectures import table
from facevlm.training.tuning.collating import Collator
from facevlm.training.tuning.recipe import Supervised
from facevlm.training.tuning.rows import read
from tests.training.tuning import tiny

ANSWERS = ['{"emotion": "happiness"}', '{"emotion": "fear"}', '{"emotion": "anger"}', '{"emotion": "neutral"}']
READY = {
    "qwen2.5-vl-3b": "Qwen2_5_VLForConditionalGeneration",
    "qwen2.5-vl-7b": "Qwen2_5_VLForConditionalGeneration",
    "qwen3-vl-4b": "Qwen3VLForConditionalGeneration",
    "qwen3-vl-8b": "Qwen3VLForConditionalGeneration",
    "smolvlm-500m": "Idefics3ForConditionalGeneration",
}
Make = Callable[[str], Path]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)  # tiny tensors are not worth dividing
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """The folder of a tiny model of an architecture, made once."""
    made: dict[str, Path] = {}
    folder = tmp_path_factory.mktemp("bases")

    def make(architecture: str) -> Path:
        if architecture not in made:
            made[architecture] = tiny.make(architecture, folder / architecture)
        return made[architecture]

    return make


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.rows(tmp_path_factory.mktemp("data"), ANSWERS)


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The models that runs load, to be looked at afterwards."""
    models: list[Any] = []
    load = weights.load

    def watched(given: Supervised) -> Any:
        model, reader = load(given)
        models.append(model)
        return model, reader

    monkeypatch.setattr(weights, "load", watched)
    return models


def short(base: Path, data: Path, **said: Any) -> Supervised:
    """A recipe of a few small steps without evaluation."""
    plain = {"steps": 2, "batch": 2, "accumulate": 1, "rate": 1e-2, "precision": "fp32", "held_out": 0}
    lora = {"rank": 8, "alpha": 16, "dropout": 0.0}
    return Supervised.model_validate({"model": str(base), "data": data, "lora": lora} | plain | said)


def shrunk(name: str, base: Path, data: Path) -> Supervised:
    """A ready recipe on a tiny base and for two steps; else as it is."""
    ready = recipe.read(recipe.located(name), Supervised, model=str(base), data=data)
    pixels = tiny.SIDE**2 if name.startswith("smolvlm") else 56 * 56
    return ready.model_copy(update={"epochs": None, "steps": 2, "pixels": pixels, "held_out": 0})


@pytest.mark.parametrize("name", READY)
def test_a_ready_recipe_trains_a_tiny_model_of_its_architecture(
    name: str, bases: Make, data: Path, tmp_path: Path, loaded: list[Any]
) -> None:
    import torch
    from safetensors.torch import load_file

    base = bases(READY[name])
    outcome = supervised.run(shrunk(name, base, data), tmp_path / "out", tmp_path / "work")
    saved = load_file(tmp_path / "out" / "adapter_model.safetensors")
    assert outcome.facts["steps"] == 2
    assert outcome.facts["architecture"] == READY[name]
    assert len(saved) == 2 * 7 * 2
    assert all(table().served[READY[name]].layers in key for key in saved)
    assert any(weight.abs().max() > 0 for key, weight in saved.items() if "lora_B" in key)
    if not shrunk(name, base, data).four_bit:
        whole = load_file(base / "model.safetensors")
        now = {key.replace(".base_layer", ""): value for key, value in loaded[0].base_model.model.state_dict().items()}
        unchanged = [torch.equal(now[key], value.to(now[key].dtype)) for key, value in whole.items() if key in now]
        assert unchanged
        assert all(unchanged)


@pytest.mark.parametrize(
    "architecture",
    ["LlavaForConditionalGeneration", "InternVLForConditionalGeneration", "PaliGemmaForConditionalGeneration"],
)
def test_an_architecture_without_a_ready_recipe_trains_too(
    architecture: str, bases: Make, data: Path, tmp_path: Path
) -> None:
    outcome = supervised.run(short(bases(architecture), data, batch=4, steps=3), tmp_path / "out", tmp_path / "work")
    assert outcome.facts["losses"]["loss"] < outcome.facts["losses"]["first"]


@pytest.mark.parametrize("architecture", ["Idefics3ForConditionalGeneration", "PaliGemmaForConditionalGeneration"])
def test_loss_is_on_the_answer_alone(architecture: str, bases: Make, data: Path) -> None:
    chosen = weights.plan(short(bases(architecture), data))
    reader: Any = weights.processor(short(bases(architecture), data), chosen.architecture)
    batch = Collator(reader, chosen.architecture)([row.exchange() for row in read(data)[0]])
    for labels, answer in zip(batch["labels"], ANSWERS, strict=True):
        learned = reader.tokenizer.decode(labels[labels != -100])
        assert learned.strip() == answer + "<|im_end|>"


def test_a_handful_of_rows_is_learned_and_the_adapter_answers_the_same_when_loaded_again(
    bases: Make, data: Path, tmp_path: Path, loaded: list[Any]
) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForImageTextToText

    base = bases("Idefics3ForConditionalGeneration")
    given = short(base, data, steps=30, batch=4, valid=data, eval_steps=15, generate_eval=2, answer_tokens=4)
    outcome = supervised.run(given, tmp_path / "out", tmp_path / "work")
    losses = outcome.facts["losses"]
    assert losses["loss"] < losses["first"] - 1
    assert losses["eval_loss"] < losses["first"] - 1
    assert 0 <= losses["eval_valid"] <= 1

    bare = AutoModelForImageTextToText.from_pretrained(base, dtype=torch.float32)
    again = PeftModel.from_pretrained(bare, str(tmp_path / "out")).eval()
    chosen = weights.plan(given)
    batch = Collator(weights.processor(given, chosen.architecture), chosen.architecture)(
        [row.exchange() for row in read(data)[0]]
    )
    with torch.inference_mode():
        assert torch.allclose(again(**batch).logits, loaded[0].eval()(**batch).logits, atol=1e-5)


def test_a_run_leaves_what_is_to_be_known_of_it(bases: Make, data: Path, tmp_path: Path) -> None:
    file = tmp_path / "rows" / "train.jsonl"
    tiny.rows(file.parent, ANSWERS)
    file.write_text(file.read_text() + "{\n")
    base = bases("Idefics3ForConditionalGeneration")
    supervised.run(short(base, file), tmp_path / "out", tmp_path / "work")
    facts = json.loads((tmp_path / "out" / "run.json").read_text())
    assert facts["rows"] == {"trained": 4, "held_out": 0}
    assert facts["left_out"] == [f"{file}, row 5: not a whole JSON object"]
    assert (facts["steps"], facts["layers"]) == (2, 14)
    assert facts["versions"]["trl"]
    said = json.loads((tmp_path / "out" / "adapter_config.json").read_text())
    assert said["base_model_name_or_path"] == str(base)
    assert recipe.read(tmp_path / "out" / "recipe.yaml", Supervised) == short(base, file)
    assert [row["step"] for row in curves.read(tmp_path / "out" / "curves.jsonl")] == [1, 2]
    assert (tmp_path / "out" / "curves.png").stat().st_size > 1000
    assert not (tmp_path / "out.partial").exists()


def test_an_interrupted_run_goes_on_to_the_same_adapter(
    bases: Make, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from safetensors.torch import load_file

    given = short(bases("Idefics3ForConditionalGeneration"), data, steps=4, save_steps=2)
    given = given.model_copy(update={"lora": given.lora.model_copy(update={"dropout": 0.1})})
    supervised.run(given, tmp_path / "whole", tmp_path / "work-whole")

    def interrupt(recorder: Any, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(curves.Recorder, "on_step_end", interrupt)
        supervised.run(given, tmp_path / "resumed", tmp_path / "work")
    assert not (tmp_path / "resumed").exists()
    supervised.run(given, tmp_path / "resumed", tmp_path / "work")

    whole, resumed = (load_file(tmp_path / name / "adapter_model.safetensors") for name in ("whole", "resumed"))
    assert all(torch.allclose(whole[name], resumed[name], atol=1e-6) for name in whole)
    assert [row["step"] for row in curves.read(tmp_path / "resumed" / "curves.jsonl")] == [1, 2, 3, 4]


def test_a_picture_that_vanishes_while_training_is_named(
    bases: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tiny.rows(tmp_path / "rows", ANSWERS)
    given = short(bases("Idefics3ForConditionalGeneration"), file)
    load = weights.load

    def meanwhile(recipe: Supervised) -> Any:
        for picture in (tmp_path / "rows" / "images").iterdir():
            picture.unlink()
        return load(recipe)

    monkeypatch.setattr(weights, "load", meanwhile)
    with pytest.raises(InputError, match=r"images/\d\.png: .*; it was there when training began, restore it"):
        supervised.run(given, tmp_path / "out", tmp_path / "work")


def test_a_folder_with_something_else_in_it_is_not_written_to(bases: Make, data: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds something else than the result of such a run; give another --out"):
        supervised.run(short(bases("Idefics3ForConditionalGeneration"), data), tmp_path, tmp_path / "work")


def test_a_recipe_without_rows_asks_for_them(bases: Make, data: Path, tmp_path: Path) -> None:
    given = short(bases("Idefics3ForConditionalGeneration"), data).model_copy(update={"data": None})
    with pytest.raises(InputError, match=r"data: the recipe names no rows; give them with --data"):
        supervised.run(given, tmp_path / "out", tmp_path / "work")
