"""`facevlm train sft`: the LoRA adapter that explains, by supervised tuning on the writer's texts.

LoRA goes on the language part only: vLLM ignores adapted vision weights.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from facevlm.training import recipe
from facevlm.training.embedded import base as base_training
from facevlm.training.embedded import language
from facevlm.training.embedded.teacher import Teacher

TARGETS = r".*text_model.*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"


def run(config: Path, data: Path, work: Path, out: Path, workers: int = 2) -> None:
    """Train by the recipe `config` on FER+ in `data`, with checkpoints in `work`, and write the adapter to `out`."""
    from transformers import AutoModelForImageTextToText, AutoTokenizer

    chosen = recipe.read(config, recipe.Sft)
    folder = (config.parent / chosen.base).resolve()
    faces, check = base_training.split(data, work, workers)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    torch.manual_seed(chosen.seed)
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    adapted = _with_lora(model, chosen.lora)
    language.train(adapted, tokenizer, _teacher(work), faces, check, work / "sft.pt", chosen.language, chosen.seed)
    prompt = max(chosen.language.tasks, key=lambda name: chosen.language.tasks[name])
    calibration = {"temperature": language.temperature(adapted, tokenizer, check, prompt)}
    _save(adapted, folder.name, out)
    (out / "facevlm.json").write_text(json.dumps(calibration) + "\n")


def _with_lora(model: Any, lora: recipe.Lora) -> Any:
    from peft import LoraConfig, get_peft_model

    settings = LoraConfig(
        r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=TARGETS, task_type="CAUSAL_LM"
    )
    return get_peft_model(model, settings)


def _save(adapted: Any, base_name: str, out: Path) -> None:
    """Write the adapter in bfloat16, its base by name so that the folder can be moved."""
    adapted.peft_config["default"].base_model_name_or_path = base_name
    model_card = out / "README.md"
    card = model_card.read_bytes() if model_card.is_file() else None
    adapted.to(torch.bfloat16).save_pretrained(out)
    if card is not None:  # peft writes into it
        model_card.write_bytes(card)


def _teacher(work: Path) -> Teacher:
    """The CNN that `facevlm train base` left in `work`."""
    cnn = Teacher()
    cnn.load_state_dict(torch.load(work / "teacher.pt", weights_only=True)["model"])
    return cnn.to(memory_format=torch.channels_last).eval()
