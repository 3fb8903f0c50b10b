"""`facevlm train sft`: a LoRA adapter for any vision-language model that vLLM serves, by supervised tuning with TRL.

Loss is on the answers alone. A run that was interrupted goes on from its last checkpoint.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from transformers import TrainerCallback

from facevlm.data.sample import Rejected
from facevlm.errors import InputError
from facevlm.training.tuning import answers, checkpoints, curves, publishing, rows, weights
from facevlm.training.tuning.collating import Collator
from facevlm.training.tuning.recipe import Supervised
from facevlm.training.tuning.rows import Row

# What may change between two sessions of one run: how it is watched, and what only trades time for memory.
_FREE = {"data", "valid", "save_steps", "eval_steps", "eval_rows", "generate_eval", "answer_tokens"}
_FREE |= {"batch", "accumulate", "gradient_checkpointing"}
_LOGGED = 60  # points of a curve, about

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Material:
    """What a run learns from and is watched by."""

    trained: list[Row]
    held_out: list[Row]  # those of them that it is watched by
    kept_back: int  # rows held out
    rejected: list[Rejected]
    digest: str


@dataclass(frozen=True)
class Outcome:
    """What came of a run. `facts` are those of run.json."""

    out: Path
    facts: dict[str, Any]
    rejected: list[Rejected]


def run(recipe: Supervised, out: Path, work: Path, *, fresh: bool = False) -> Outcome:
    """Tune by a recipe and write the adapter to `out`, with checkpoints in `work`.

    In each process of `accelerate launch`; the first alone writes and logs.

    Raises:
        InputError: recipe, rows, base or folders do not allow it, a picture went missing, or memory does not suffice.
        PrerequisiteError: a library is missing.
        ModelError: training failed otherwise.
    """
    publishing.check(out)
    chosen = weights.plan(recipe)
    material = gather(recipe)
    _claim(recipe, material, work, fresh)
    model, processor = weights.load(recipe)
    began = monotonic()
    with weights.explained(recipe):
        trainer = _trainer(recipe, material, work, model, processor, chosen)
        resumed = checkpoints.last(work)
        if resumed is not None and leads():
            logger.info("going on from %s", resumed)
        trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    facts = _facts(recipe, material, trainer, chosen) | {"seconds": round(monotonic() - began, 1)}
    if leads():
        publishing.publish(model, processor, recipe, facts, work, out)
    trainer.accelerator.wait_for_everyone()
    return Outcome(out, facts, material.rejected)


def leads() -> bool:
    """Whether this process is the one that writes and tells, of those `accelerate launch` started."""
    return int(os.environ.get("RANK", "0")) == 0


def gather(recipe: Supervised) -> Material:
    """The rows to train on and those held out.

    Raises:
        InputError: a file of rows is missing, or holds none that can be used.
    """
    if recipe.data is None:
        raise InputError("data: the recipe names no rows; give them with --data")
    trained, rejected = rows.read(recipe.data)
    digest = rows.digest(recipe.data)
    if recipe.valid is None:
        trained, held_out = rows.divided(trained, recipe.held_out)
    else:
        held_out, not_valid = rows.read(recipe.valid)
        rejected, digest = rejected + not_valid, digest + rows.digest(recipe.valid)
    return Material(trained, rows.sampled(held_out, recipe.eval_rows), len(held_out), rejected, digest)


def _claim(recipe: Supervised, material: Material, work: Path, fresh: bool) -> None:
    """All processes look before the first one writes, and go on when it has."""
    from accelerate import PartialState

    told = recipe.model_dump(mode="json", exclude=_FREE)
    told |= {"rows": material.digest, "batch × accumulate": recipe.batch * recipe.accumulate}
    with PartialState().main_process_first():
        checkpoints.claim(work, told, fresh=fresh and leads())


def _trainer(
    recipe: Supervised, material: Material, work: Path, model: Any, processor: Any, chosen: weights.Plan
) -> Any:
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import SFTTrainer

    held_out = Dataset.from_list([row.exchange() for row in material.held_out]) if material.held_out else None
    recorder = curves.Recorder(work / curves.JSON)
    asked = answers.asked_as_json(material.held_out)[: recipe.generate_eval]
    trainer = SFTTrainer(
        model,
        _arguments(recipe, len(material.trained), held_out is not None, work),
        Collator(processor, chosen.architecture),
        Dataset.from_list([row.exchange() for row in material.trained]),
        held_out,
        processor,
        callbacks=[recorder, *([Answering(recorder, processor, asked, recipe.answer_tokens)] if asked else [])],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _arguments(recipe: Supervised, count: int, evaluated: bool, work: Path) -> Any:
    import torch
    from trl import SFTConfig

    steps = recipe.steps or max(round((recipe.epochs or 0) * count / (recipe.batch * recipe.accumulate)), 1)
    return SFTConfig(
        str(work),
        per_device_train_batch_size=recipe.batch, per_device_eval_batch_size=recipe.batch,
        gradient_accumulation_steps=recipe.accumulate, gradient_checkpointing=recipe.gradient_checkpointing,
        num_train_epochs=recipe.epochs or 1, max_steps=recipe.steps or -1,
        learning_rate=recipe.rate, lr_scheduler_type="cosine", warmup_steps=recipe.warm_up,
        bf16=recipe.precision == "bf16", use_cpu=not torch.cuda.is_available(), seed=recipe.seed,
        save_steps=recipe.save_steps, save_total_limit=2, logging_steps=max(steps // _LOGGED, 1),
        eval_strategy="steps" if evaluated else "no", eval_steps=recipe.eval_steps, prediction_loss_only=True,
        max_length=None, disable_tqdm=True, report_to="none",
    )  # fmt: skip


class Answering(TrainerCallback):  # type: ignore[misc]
    """At each evaluation the share of held-out rows that are answered with valid JSON, without being made to."""

    def __init__(
        self, recorder: curves.Recorder, processor: Any, asked: Sequence[tuple[Row, tuple[str, ...]]], most_tokens: int
    ) -> None:
        self._recorder = recorder
        self._processor = processor
        self._asked = asked
        self._most_tokens = most_tokens

    def on_evaluate(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Answer, and keep the share beside the losses."""
        if not state.is_world_process_zero:
            return
        texts = answers.generate(model, self._processor, [row for row, _ in self._asked], self._most_tokens)
        share = answers.valid(texts, [fields for _, fields in self._asked])
        self._recorder.keep(state, {"eval_valid": share})


def _facts(recipe: Supervised, material: Material, trainer: Any, chosen: weights.Plan) -> dict[str, Any]:
    """What the run was, for whoever reads the adapter."""
    import torch

    logged = curves.read(Path(trainer.args.output_dir) / curves.JSON)
    last = {key: row[key] for row in logged for key in ("loss", "eval_loss", "eval_valid") if key in row}
    gpu = torch.cuda.is_available()
    return {
        "command": "train sft",
        "model": recipe.model,
        "architecture": type(trainer.model.get_base_model()).__name__,
        "layers": chosen.layers,
        "trained_weights": sum(weight.numel() for weight in trainer.model.parameters() if weight.requires_grad),
        "rows": {"trained": len(material.trained), "held_out": material.kept_back},
        "looked_at": len(material.held_out),
        "left_out": [str(row) for row in material.rejected],
        "steps": trainer.state.global_step,
        "epochs": round(trainer.state.epoch, 3),
        "losses": {"first": next((row["loss"] for row in logged if "loss" in row), None)} | last,
        "processes": trainer.args.world_size,
        "device": torch.cuda.get_device_name() if gpu else "cpu",
        "peak_gigabytes": round(torch.cuda.max_memory_allocated() / 1e9, 2) if gpu else None,
        "versions": publishing.versions(),
    }
