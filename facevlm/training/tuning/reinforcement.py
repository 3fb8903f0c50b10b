"""`facevlm train grpo`: an adapter made better by rewards, by group relative policy optimisation with TRL (GRPO, Shao
et al., DeepSeekMath, arXiv 2402.03300).

Answers are not bound to their schema while they are rewarded, so the adapter training starts from must already give
valid ones. Whether it helped is decided on held-out rows, before and after, and said either way.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, cast

from pydantic import Field, model_validator

from facevlm.data.sample import Rejected
from facevlm.errors import InputError, PrerequisiteError
from facevlm.training.tuning import answers, checkpoints, curves, gains, publishing, targets, weights
from facevlm.training.tuning.gains import Gain
from facevlm.training.tuning.recipe import Tuning
from facevlm.training.tuning.rewards import Name, for_trl
from facevlm.training.tuning.rows import digest
from facevlm.training.tuning.supervised import leads
from facevlm.training.tuning.targets import Row

# What may change between two sessions of one run: how it is watched, and what only trades time for memory.
_FREE = {"data", "valid", "save_steps", "eval_steps", "gradient_checkpointing", "epochs"}
_CURVES = ("reward", "reward_std", "kl", "entropy", "loss", "completions/mean_length")

WEIGHTS: dict[Name, float] = {
    "schema": 1.0,
    "emotion": 1.0,
    "units": 1.0,
    "sides": 0.25,
    "intensity": 0.25,
    "evidence": 1.0,
    "order": 0.5,
    "length": 0.25,
}
_SETTINGS = {"steps", "rate", "beta", "temperature", "generations", "rewards"}

logger = logging.getLogger(__name__)


class Reinforcement(Tuning):
    """`facevlm train grpo`. A step is rewarded on `batch` × `accumulate` answers on each GPU."""

    steps: int | None = Field(200, gt=0, description="Optimiser steps.")
    rate: float = Field(1e-5, gt=0, description="Peak learning rate.")
    batch: int = Field(8, gt=0, description="Answers at once on each GPU.")
    accumulate: int = Field(8, gt=0, description="Batches a step.")
    held_out: float = Field(0.1, gt=0, lt=0.5, description="Share of `data` held out, whole pictures by their hash.")
    generations: int = Field(8, gt=1, description="Answers to each prompt, which are compared with each other.")
    temperature: float = Field(1.0, gt=0, description="Of sampling.")
    beta: float = Field(0.02, ge=0, description="Weight of the divergence from where training started.")
    answer_tokens: int = Field(560, gt=0, description="Most tokens of an answer.")
    rewards: dict[Name, float] = Field(
        default=WEIGHTS, min_length=1, description="Name of a reward → its weight, the same for every face."
    )
    least_valid: float = Field(
        0.99, ge=0, le=1, description="Share of valid greedy answers to held-out rows, below which nothing is trained."
    )

    @model_validator(mode="after")
    def _in_groups(self) -> Reinforcement:
        if self.batch * self.accumulate % self.generations:
            product = f"{self.batch} × {self.accumulate}"
            raise ValueError(f"batch × accumulate is {product}, no multiple of the {self.generations} generations")
        return self


@dataclass(frozen=True)
class Outcome:
    """What came of a run: the adapter's folder, what each reward changed by, whether that is more than chance."""

    out: Path
    gains: dict[str, Gain]
    helped: bool
    rejected: list[Rejected]


@dataclass(frozen=True)
class _Material:
    trained: list[Row]
    held_out: list[Row]  # those of them that decide
    kept_back: int  # rows held out
    rejected: list[Rejected]
    digest: str


def run(recipe: Reinforcement, out: Path, work: Path, *, fresh: bool = False) -> Outcome:
    """Tune by a recipe and write the adapter to `out`, with checkpoints in `work`.

    Raises:
        InputError: recipe, rows, base or folders do not allow it, or memory does not suffice.
        PrerequisiteError: a library is missing, or too few answers are valid to begin with.
        ModelError: training failed otherwise.
    """
    publishing.check(out)
    weights.plan(recipe)
    material = _gather(recipe)
    _claim(recipe, material, work, fresh)
    model, processor = weights.load(recipe)
    began = monotonic()
    with weights.explained(recipe):
        before = _begun(recipe, material.held_out, model, processor, work)
        trainer = _trainer(recipe, material.trained, work, model, processor)
        resumed = checkpoints.last(work)
        trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
        after = answers.generate(model, processor, cast(Any, material.held_out), recipe.answer_tokens)
    found = _compared(recipe, material.held_out, before, after)
    if leads():
        if recipe.beta:
            model.delete_adapter("ref")  # TRL's copy of where training started
        facts = _facts(recipe, material, trainer, found) | {"seconds": round(monotonic() - began, 1)}
        publishing.publish(model, processor, recipe, facts, work, out)
    trainer.accelerator.wait_for_everyone()
    return Outcome(out, found, gains.helped(found), material.rejected)


def _gather(recipe: Reinforcement) -> _Material:
    if recipe.data is None:
        raise InputError("data: the recipe names no rows; give them with --data")
    trained, rejected = targets.read_rows(recipe.data)
    told = digest(recipe.data)
    if recipe.valid is None:
        trained, held_out = targets.divided(trained, recipe.held_out)
    else:
        held_out, not_valid = targets.read_rows(recipe.valid)
        rejected, told = rejected + not_valid, told + digest(recipe.valid)
    prompts = recipe.batch * recipe.accumulate // recipe.generations
    if len(trained) < prompts or not held_out:
        had = f"{len(trained)} rows to train on and {len(held_out)} held out"
        raise InputError(f"{recipe.data}: {had}, and a step needs {prompts} and a comparison some; give more rows")
    return _Material(trained, held_out[: recipe.eval_rows], len(held_out), rejected, told)


def _claim(recipe: Reinforcement, material: _Material, work: Path, fresh: bool) -> None:
    from accelerate import PartialState

    told = recipe.model_dump(mode="json", exclude=_FREE) | {"rows": material.digest}
    with PartialState().main_process_first():
        checkpoints.claim(work, told, fresh=fresh and leads())
        if fresh and leads():
            _answered(work).unlink(missing_ok=True)


def _begun(recipe: Reinforcement, rows: Sequence[Row], model: Any, processor: Any, work: Path) -> list[str]:
    """The answers before training, generated once. Raises PrerequisiteError where too few of them are valid."""
    texts = gains.kept(_answered(work))
    if texts is None:
        logger.info("answering %d held-out rows before training", len(rows))
        texts = answers.generate(model, processor, cast(Any, rows), recipe.answer_tokens)
        if leads():
            gains.keep(texts, _answered(work))
    share = answers.valid(texts, [row.fields for row in rows])
    if share < recipe.least_valid:
        told = (
            f"{share:.1%} of the answers to {len(rows)} held-out rows are valid, and {recipe.least_valid:.0%} must be"
        )
        remedy = "tune it longer with `facevlm train sft` first, or raise answer_tokens if answers are cut off"
        raise PrerequisiteError(f"{recipe.start or recipe.model}: {told}; {remedy}")
    return texts


def _answered(work: Path) -> Path:
    return work / "before.jsonl"


def _trainer(recipe: Reinforcement, rows: Sequence[Row], work: Path, model: Any, processor: Any) -> Any:
    from datasets import Dataset, Image, List, disable_progress_bars
    from transformers import PrinterCallback
    from trl import GRPOTrainer

    disable_progress_bars()
    table = Dataset.from_list([row.exchange() | {"target": row.target} for row in rows])
    trainer = GRPOTrainer(
        model,
        [for_trl(name) for name in recipe.rewards],
        _arguments(recipe, work),
        table.cast_column("images", List(Image(mode="RGB"))),
        processing_class=processor,
        callbacks=[_Rewards(work / curves.JSON)],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _arguments(recipe: Reinforcement, work: Path) -> Any:
    import torch
    from trl import GRPOConfig

    return GRPOConfig(
        str(work),
        num_generations=recipe.generations, temperature=recipe.temperature, beta=recipe.beta,
        max_completion_length=recipe.answer_tokens, reward_weights=list(recipe.rewards.values()),
        scale_rewards="batch",  # by group it would weigh a face the more the more alike its answers are
        disable_dropout=True,  # or an answer is less likely to the model when it is learned than when it was written
        per_device_train_batch_size=recipe.batch, gradient_accumulation_steps=recipe.accumulate,
        gradient_checkpointing=recipe.gradient_checkpointing, max_steps=recipe.steps, learning_rate=recipe.rate,
        lr_scheduler_type="cosine", warmup_steps=recipe.warm_up, seed=recipe.seed,
        bf16=recipe.precision == "bf16", use_cpu=not torch.cuda.is_available(),
        save_steps=recipe.save_steps, save_total_limit=2, logging_steps=1, disable_tqdm=True, report_to="none",
    )  # fmt: skip


class _Rewards(curves.Recorder):
    """Keeps of what TRL logs the mean of each reward, under its name, and how training goes."""

    def keep(self, state: Any, logs: dict[str, Any]) -> None:
        """One line of the file."""
        rewards = {
            key.removeprefix("rewards/").removesuffix("/mean"): value
            for key, value in logs.items()
            if key.startswith("rewards/") and key.endswith("/mean")
        }
        super().keep(state, {key: logs[key] for key in _CURVES if key in logs} | rewards)


def _compared(recipe: Reinforcement, rows: Sequence[Row], before: list[str], after: list[str]) -> dict[str, Gain]:
    first, second = (gains.scored(texts, rows, recipe.rewards) for texts in (before, after))
    return gains.gains(first, second, recipe.seed)


def _facts(recipe: Reinforcement, material: _Material, trainer: Any, found: dict[str, Gain]) -> dict[str, Any]:
    """What the run was and what it gained; the settings are those of recipe.yaml beside it."""
    return {
        "command": "train grpo",
        "model": recipe.model,
        "start": str(recipe.start) if recipe.start else None,
        "helped": gains.helped(found),
        "gains": {name: each.model_dump() for name, each in found.items()},
        "settings": recipe.model_dump(mode="json", include=_SETTINGS),
        "rows": {"trained": len(material.trained), "held_out": material.kept_back},
        "looked_at": len(material.held_out),
        "left_out": [str(row) for row in material.rejected],
        "steps": trainer.state.global_step,
        "processes": trainer.args.world_size,
        "versions": publishing.versions(),
    }
