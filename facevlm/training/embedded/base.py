"""`facevlm train base`: the embedded base model from nothing but FER+ and synthetic faces.

CNN teacher → vision tower; words alone; then the whole model. Each stage saves now and then; an interrupted run goes on
from there. Where the arrays of the faces are in `work` already, no other data is needed: a GPU elsewhere can train on
them.
"""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from facevlm import __version__
from facevlm.data import ferplus
from facevlm.data.cot import coding, short
from facevlm.data.cot.coding import Label
from facevlm.data.cot.questions import questions
from facevlm.data.synth import produce
from facevlm.data.synth import recipe as synth_recipe
from facevlm.errors import InputError
from facevlm.training import recipe
from facevlm.training.embedded import language, nano, teacher, tower, words, writing
from facevlm.training.embedded.arrays import FaceArrays, array_file, face_arrays, joined, synthetic_arrays
from facevlm.types import EMOTIONS

log = logging.getLogger(__name__)

TEXTS = 10_000  # answers the tokenizer is learned from


def run(config: Path, data: Path, rig: Path | None, work: Path, out: Path, workers: int = 2) -> None:
    """Train by the recipe `config` on FER+ in `data` and faces rendered from `rig`, and write the model to `out`.

    Checkpoints, renders and arrays of faces are kept in `work`.

    Raises:
        InputError: the recipe or the data cannot be used.
        PrerequisiteError: faces cannot be rendered here.
    """
    chosen = recipe.read(config, recipe.Base)
    photographs, check = split(data, work, workers)
    renders = synthetic(chosen.renders, rig, work, workers)
    faces = photographs if renders is None else joined(photographs, renders)
    cnn = teacher.train(faces, check, work / "teacher.pt", epochs=chosen.teacher_epochs, seed=chosen.seed)
    tokenizer = nano.tokenizer(_texts(photographs, renders, chosen.seed))
    torch.manual_seed(chosen.seed)
    model = nano.model(tokenizer)
    vision = model.model.vision_model
    tower.train(
        vision, nano.VISION_WIDTH, cnn, faces, check, work / "tower.pt", epochs=chosen.tower_epochs, seed=chosen.seed
    )
    words.train(model, tokenizer, photographs, work / "words.pt", chosen.words, chosen.seed)
    opinion, voted = teacher.opinion(cnn), photographs.voted()
    language.train(model, tokenizer, opinion, voted, renders, check, work / "base.pt", chosen.language, chosen.seed)
    facts = recorded(model, tokenizer, photographs, renders, check, chosen.language)
    save(model.cpu(), tokenizer, out, chosen.description)
    record(out, config, {"command": "train base", "seed": chosen.seed} | facts)


def split(data: Path, work: Path, workers: int) -> tuple[FaceArrays, FaceArrays]:
    """FER+ training faces, and the tenth of them that is held out for choosing."""
    faces = face_arrays(data, "train", work, nano.IMAGE_SIZE, workers)
    held_out = ferplus.held_out(faces.names)
    return faces.where(~held_out), faces.where(held_out)


def synthetic(renders: Mapping[str, int], rig: Path | None, work: Path, workers: int) -> FaceArrays | None:
    """The faces of these recipes less a tenth that is held out, rendered where they are not in `work` yet.

    Raises:
        InputError: they are to be rendered and there is no `rig`.
    """
    sets = [_rendered(name, count, rig, work, workers) for name, count in renders.items()]
    return joined(*(each.where(~ferplus.held_out(each.names)) for each in sets)) if sets else None


def _rendered(name: str, count: int, rig: Path | None, work: Path, workers: int) -> FaceArrays:
    asked = synth_recipe.read(name, count=count)
    folder = work / asked.name
    if not array_file(folder, work, nano.IMAGE_SIZE).is_file():
        if rig is None:
            raise InputError(f"{name}: these faces are to be rendered; give the face model with --rig")
        log.info("rendering %d pictures of %s", count, asked.name)
        produce.produce(asked, rig, folder, workers)
    return synthetic_arrays(folder, work, nano.IMAGE_SIZE, workers)


def save(model: Any, tokenizer: Any, out: Path, description: str) -> None:
    """Write model, processor and `facevlm.json` in bfloat16, in shards that stay under 15 MB."""
    model.set_attn_implementation("sdpa")
    model.to(torch.bfloat16).save_pretrained(out, max_shard_size="14MB")
    nano.processor(tokenizer).save_pretrained(out)
    facts = {"asks": "face", "crop_size": nano.IMAGE_SIZE, "description": description, "facevlm": __version__}
    (out / "facevlm.json").write_text(json.dumps(facts, indent=1) + "\n")


def recorded(
    model: Any,
    tokenizer: Any,
    photographs: FaceArrays,
    renders: FaceArrays | None,
    check: FaceArrays,
    chosen: recipe.Language,
) -> dict[str, Any]:
    """What a card tells of a run: how many faces, and how often the first emotion named is right on the held-out."""
    rows = {"photographs": len(photographs), "synthetic faces": len(renders or ()), "held-out photographs": len(check)}
    told = [name for name in chosen.tasks if name != "sov-question"]
    scores = {name: round(language.accuracy(model, tokenizer, check, name), 4) for name in told}
    return {"rows": rows, "accuracy_held_out": scores, "versions": {"facevlm": __version__, "torch": torch.__version__}}


def record(out: Path, config: Path, facts: dict[str, Any]) -> None:
    """Leave the facts of a run and its recipe beside the weights."""
    (out / "run.json").write_text(json.dumps(facts, indent=1) + "\n")
    (out / "recipe.yaml").write_text(config.read_text())


def _texts(photographs: FaceArrays, renders: FaceArrays | None, seed: int) -> Iterator[str]:
    """Answers with every emotion equally often, about units measured and true, and answers to questions."""
    rng = random.Random(seed)
    order = ("observations", "interpretation", "emotion")
    for _ in range(TEXTS):
        units = writing.measured(photographs.units[rng.randrange(len(photographs))])
        if renders is not None and rng.random() < 0.5:
            units = writing.true_units(renders.truth[rng.randrange(len(renders))])
        observations, emotion = short.observe(units, rng), rng.choice(EMOTIONS)
        yield short.write(observations, short.interpret(observations, emotion, rng), emotion, order)
        yield "explain\nlabel, explain\nlabel\nanswer: "
        for pair in questions(coding.measured(units), Label(emotion=emotion), rng, 1):
            yield f"{pair.question}\n{pair.answer}"
