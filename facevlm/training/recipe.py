"""Recipes: what a training run is given, as a YAML file that travels with the model it makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from facevlm.errors import InputError


class Part(BaseModel):
    """A section of a recipe; a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Language(Part):
    """One run of `language.train`."""

    tasks: dict[str, float] = Field(description="Prompt name → share of the samples.")
    epochs: int = Field(gt=0)
    rate: float = Field(gt=0, description="Peak learning rate.")
    tower_rate: float = Field(0.0, ge=0, description="Of the vision tower, as a share of `rate`; 0 leaves it as it is.")
    batch: int = Field(64, gt=0)
    strength: float = Field(1.0, ge=0, description="Of the augmentation.")
    balance: float = Field(0.25, ge=0, le=1, description="Faces are drawn by class frequency to minus this power.")


class Base(Part):
    """`facevlm train base`."""

    seed: int = 0
    teacher_epochs: int = Field(gt=0)
    tower_epochs: int = Field(gt=0)
    language: Language
    description: str = ""


class Lora(Part):
    rank: int = Field(default=32, gt=0)
    alpha: int = Field(default=64, gt=0)
    dropout: float = Field(default=0.05, ge=0, lt=1)


class Sft(Part):
    """`facevlm train sft`: `base` is a folder, relative to the recipe's."""

    seed: int = 0
    base: Path
    lora: Lora = Lora()
    language: Language


class ActionUnits(Part):
    """`facevlm train au`."""

    frontal: float = Field(gt=0, description="Degrees of yaw within which a face counts towards the mean face.")
    rest_percentile: float = Field(gt=50, lt=100, description="Of resting faces: value 0.25.")
    strong_percentile: float = Field(gt=50, lt=100, description="Of all faces: value 0.9.")
    fewest: int = Field(gt=0, description="Resting faces below which nothing is fitted.")


Recipe = TypeVar("Recipe", bound=Part)


def read(file: Path, kind: type[Recipe]) -> Recipe:
    """A recipe from its file. Raises InputError naming the file, the key and what is wrong with it."""
    try:
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError:
        raise InputError(f"{file}: no such recipe; see adapters/*/recipe.yaml for those that ship") from None
    except yaml.YAMLError as error:
        raise InputError(f"{file}: not YAML ({str(error).splitlines()[0]})") from None
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        raise InputError(f"{file}: {key}: {first['msg']}; known keys: {', '.join(kind.model_fields)}") from None
