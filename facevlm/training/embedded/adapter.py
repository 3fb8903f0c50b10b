"""`facevlm train sft`: the LoRA adapter that explains, by supervised tuning on the writer's texts.

LoRA goes on the language part only: vLLM ignores adapted vision weights. What the base says of a face without an
explanation is part of what the adapter learns to conclude, so that explaining costs little; of how the base came about
nothing else is needed.
"""

from __future__ import annotations

import json
import logging
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from facevlm.training import recipe
from facevlm.training.device import device
from facevlm.training.embedded import base as base_training
from facevlm.training.embedded import language
from facevlm.training.embedded.arrays import FaceArrays
from facevlm.types import EMOTIONS

log = logging.getLogger(__name__)

TARGETS = r".*text_model.*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"


def run(
    config: Path, data: Path, rig: Path | None, work: Path, out: Path, workers: int = 2, seed: int | None = None
) -> None:
    """Train by the recipe `config`, on the faces the base was trained on, and write the adapter to `out`.

    `seed` goes over the recipe's, so that a figure can be the mean of several adapters. Checkpoints and arrays of faces
    are kept in `work`. Raises as `facevlm train base` does.
    """
    from transformers import AutoModelForImageTextToText, AutoTokenizer

    chosen = recipe.read(config, recipe.Sft)
    chosen = chosen if seed is None else chosen.model_copy(update={"seed": seed})
    folder = (config.parent / chosen.base).resolve()
    photographs, check = base_training.split(data, work, workers)
    renders = base_training.synthetic(chosen.renders, rig, work, workers)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    torch.manual_seed(chosen.seed)
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    voted, state = photographs.voted(), work / f"sft-{chosen.seed}.pt"
    opinion = _opinion(model, tokenizer, voted, len(renders or ()))
    adapted = _with_lora(model, chosen.lora)
    language.train(adapted, tokenizer, opinion, voted, renders, check, state, chosen.language, chosen.seed)
    prompt = max(chosen.language.tasks, key=lambda name: chosen.language.tasks[name])
    divisor = language.temperature(adapted, tokenizer, check, prompt)
    facts = base_training.recorded(adapted, tokenizer, photographs, renders, check, chosen.language)
    _save(adapted.cpu(), folder.name, out)
    _record(divisor, out)
    base_training.record(out, config, {"command": "train sft", "seed": chosen.seed} | facts)


def calibrate(folder: Path, base: Path, prompt: str, data: Path, work: Path, workers: int = 2) -> None:
    """Fit anew what an adapter's logits are divided by, as `run` does, and write it beside the adapter.

    Whatever tunes an adapter further changes how sure it is.
    """
    from peft import PeftModel
    from transformers import AutoModelForImageTextToText, AutoTokenizer

    _, check = base_training.split(data, work, workers)
    model = AutoModelForImageTextToText.from_pretrained(base, dtype=torch.float32)
    adapted = PeftModel.from_pretrained(model, folder).to(device())
    _record(language.temperature(adapted, AutoTokenizer.from_pretrained(base), check, prompt), folder)


def _with_lora(model: Any, lora: recipe.Lora) -> Any:
    from peft import LoraConfig, get_peft_model
    from peft.tuners.lora import LoraLayer

    settings = LoraConfig(r=lora.rank, lora_alpha=lora.alpha, target_modules=TARGETS, task_type="CAUSAL_LM")
    adapted = get_peft_model(model, settings)
    for layer in adapted.modules():
        if isinstance(layer, LoraLayer):
            layer.forward = partial(_summed, layer)
    return adapted


def _summed(layer: Any, x: Tensor) -> Tensor:
    """What the layer gives, by the sum of its weights: half as dear as the sum of outputs where a batch is larger than
    the layer.
    """
    change = layer.lora_B["default"].weight @ layer.lora_A["default"].weight
    return functional.linear(x, layer.base_layer.weight + layer.scaling["default"] * change)


def _save(adapted: Any, base_name: str, out: Path) -> None:
    """Write the adapter in bfloat16, its base by name so that the folder can be moved."""
    adapted.peft_config["default"].base_model_name_or_path = base_name
    model_card = out / "README.md"
    card = model_card.read_bytes() if model_card.is_file() else None
    adapted.to(torch.bfloat16).save_pretrained(out)
    if card is not None:  # peft writes into it
        model_card.write_bytes(card)


def _record(temperature: float, folder: Path) -> None:
    (folder / "facevlm.json").write_text(json.dumps({"temperature": temperature}) + "\n")


def _opinion(base: Any, tokenizer: Any, photographs: FaceArrays, others: int) -> language.Opinion:
    """The base's own, each face seen once and plainly; none of the `others` that come after the photographs."""
    log.info("asking the base about %d faces", len(photographs))
    own = language.commitments(base.to(device()), tokenizer, photographs, "sov-label").softmax(1)
    shares = torch.cat([own, torch.zeros(others, len(EMOTIONS))])
    return lambda rows, _: shares[rows]
