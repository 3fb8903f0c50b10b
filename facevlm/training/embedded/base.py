"""`facevlm train base`: the embedded base model from nothing but FER+.

CNN teacher → vision tower → the whole model. Each stage saves after every epoch; an interrupted run goes on from there.
"""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from facevlm import __version__
from facevlm.data import ferplus
from facevlm.data.cot import short
from facevlm.training import recipe
from facevlm.training.embedded import language, nano, teacher, tower
from facevlm.training.embedded.arrays import FaceArrays, face_arrays
from facevlm.types import EMOTIONS

log = logging.getLogger(__name__)

TEXTS = 10_000  # answers the tokenizer is learned from


def run(config: Path, data: Path, work: Path, out: Path, workers: int = 2) -> None:
    """Train by the recipe `config` on FER+ in `data`, with checkpoints in `work`, and write the model to `out`."""
    chosen = recipe.read(config, recipe.Base)
    faces, check = split(data, work, workers)
    cnn = trained_teacher(faces, check, work, chosen)
    tokenizer = nano.tokenizer(_texts(faces, chosen.seed))
    torch.manual_seed(chosen.seed)
    model = nano.model(tokenizer)
    vision = model.model.vision_model
    tower.train(
        vision, nano.VISION_WIDTH, cnn, faces, check, work / "tower.pt", epochs=chosen.tower_epochs, seed=chosen.seed
    )
    language.train(model, tokenizer, cnn, faces, check, work / "base.pt", chosen.language, chosen.seed)
    save(model, tokenizer, out, chosen.description)


def split(data: Path, work: Path, workers: int) -> tuple[FaceArrays, FaceArrays]:
    """FER+ training faces, and the tenth of them that is held out for choosing."""
    faces = face_arrays(data, "train", work, nano.IMAGE_SIZE, workers)
    held_out = ferplus.held_out(faces.names)
    return faces.where(~held_out), faces.where(held_out)


def trained_teacher(faces: FaceArrays, check: FaceArrays, work: Path, chosen: recipe.Base) -> teacher.Teacher:
    """The CNN, from its checkpoint in `work` if it was trained before."""
    return teacher.train(faces, check, work / "teacher.pt", epochs=chosen.teacher_epochs, seed=chosen.seed)


def save(model: Any, tokenizer: Any, out: Path, description: str) -> None:
    """Write model, processor and `facevlm.json` in bfloat16, in shards that stay under 15 MB."""
    model.set_attn_implementation("sdpa")
    model.to(torch.bfloat16).save_pretrained(out, max_shard_size="14MB")
    nano.processor(tokenizer).save_pretrained(out)
    facts = {"asks": "face", "crop_size": nano.IMAGE_SIZE, "description": description, "facevlm": __version__}
    (out / "facevlm.json").write_text(json.dumps(facts, indent=1) + "\n")


def _texts(faces: FaceArrays, seed: int) -> Iterator[str]:
    """Answers with every emotion equally often, and the words of the prompts."""
    rng = random.Random(seed)
    order = ("observations", "interpretation", "emotion")
    for _ in range(TEXTS):
        units = language.measured(faces.units[rng.randrange(len(faces))])
        observations, emotion = short.observe(units, rng), rng.choice(EMOTIONS)
        yield short.write(observations, short.interpret(observations, emotion, rng), emotion, order)
        yield "explain\nlabel, explain\nlabel\nanswer: "
