"""Recipes of `facevlm train sft` and `grpo`: what is tuned, on what, and how. Those in `recipes/` are known by name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import Field, ValidationError, model_validator

from facevlm import files
from facevlm.data.sample import reason
from facevlm.errors import InputError
from facevlm.training.recipe import Lora, Part

FOLDER = Path(__file__).parent / "recipes"


class Targeted(Lora):
    """A LoRA adapter and where it goes."""

    dropout: float = Field(default=0.05, ge=0, lt=1)
    targets: str | tuple[str, ...] = Field(
        default="auto",
        description="auto: every linear layer of the language part; else names of layers, or a pattern of whole names.",
    )


class Tuning(Part):
    """What supervised tuning and reinforcement share."""

    model: str = Field(min_length=1, description="Folder, relative to the recipe, or hub id of the base.")
    start: Path | None = Field(None, description="Adapter that training goes on from, relative to the recipe.")
    data: Path | None = Field(None, description="JSON lines to train on, relative to the recipe.")
    valid: Path | None = Field(None, description="JSON lines held out; without them a share of `data` is.")
    held_out: float = Field(0.02, ge=0, lt=0.5, description="Share of `data` held out, whole pictures by their hash.")
    lora: Targeted = Targeted()
    four_bit: bool = Field(False, description="Load the base in 4 bits (QLoRA, Dettmers et al., 2023).")
    precision: Literal["bf16", "fp32"] = "bf16"
    gradient_checkpointing: bool = True
    epochs: float | None = Field(None, gt=0, description="Passes over the rows; or `steps`.")
    steps: int | None = Field(None, gt=0, description="Optimiser steps; or `epochs`.")
    rate: float = Field(1e-4, gt=0, description="Peak learning rate.")
    warm_up: float = Field(0.03, ge=0, lt=1, description="Share of the steps in which the rate rises.")
    batch: int = Field(1, gt=0, description="Rows at once on each GPU.")
    accumulate: int = Field(16, gt=0, description="Batches a step.")
    pixels: int | None = Field(None, ge=1024, description="Most pixels of a picture the model is shown.")
    seed: int = Field(0, ge=0)
    save_steps: int = Field(100, gt=0, description="Steps between checkpoints.")
    eval_steps: int = Field(100, gt=0, description="Steps between evaluations on the held-out rows.")
    eval_rows: int = Field(500, ge=0, description="Most held-out rows an evaluation looks at.")

    @model_validator(mode="after")
    def _of_some_length(self) -> Tuning:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give either epochs or steps")
        return self


class Supervised(Tuning):
    """`facevlm train sft` on a base of one's own."""

    generate_eval: int = Field(
        32, ge=0, description="Held-out rows answered at an evaluation, for the share of valid answers."
    )
    answer_tokens: int = Field(512, gt=0, description="Most tokens of such an answer.")


Recipe = TypeVar("Recipe", bound=Tuning)


def shipped() -> tuple[str, ...]:
    """Names of the recipes that ship."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.yaml")))


def located(name: str) -> Path:
    """The file of a recipe, by its name if it ships or by its path.

    Raises:
        InputError: there is no such recipe.
    """
    file = FOLDER / f"{name}.yaml" if name in shipped() else Path(name).expanduser()
    if not file.is_file():
        raise InputError(f"{name}: no such recipe; use {', '.join(shipped())} or the path of a YAML file")
    return file


def content(file: Path) -> dict[str, Any]:
    """What a recipe's file says, unchecked.

    Raises:
        InputError: it cannot be read, or is no mapping.
    """
    return files.mapping(file, f"see {FOLDER} for good recipes")


def read(file: Path, kind: type[Recipe], **changes: Any) -> Recipe:
    """A recipe of a kind; `changes` that are not None go over it, and paths in the file become relative to nothing.

    Raises:
        InputError: a key is unknown or its value out of range; the line names the file, the key and the value.
    """
    said = content(file)
    for key in ("start", "data", "valid"):
        if isinstance(said.get(key), str):
            said[key] = file.parent / said[key]
    if isinstance(said.get("model"), str) and (file.parent / said["model"]).is_dir():
        said["model"] = os.path.normpath(file.parent / said["model"])
    try:
        return kind.model_validate(said | {key: value for key, value in changes.items() if value is not None})
    except ValidationError as error:
        raise InputError(f"{file}: {_fault(error, kind)}") from None


def text(recipe: Tuning) -> str:
    """A recipe as YAML, every value said."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _fault(error: ValidationError, kind: type[Tuning]) -> str:
    first = error.errors()[0]
    if first["type"] == "extra_forbidden":
        place = ".".join(map(str, first["loc"]))
        known = Targeted.model_fields if len(first["loc"]) > 1 else kind.model_fields
        return f"{place}: no such key; known here: {', '.join(known)}"
    return reason(error)
