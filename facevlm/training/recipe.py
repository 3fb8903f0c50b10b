"""Recipes: what a training run is given, as a YAML file that travels with the model it makes."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from facevlm import files
from facevlm.errors import InputError
from facevlm.types import Emotion


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
    claimed: float = Field(0.25, ge=0.2, le=1, description="Measured strength from which an answer speaks of a unit.")
    balance: float = Field(0.25, ge=0, le=1, description="Faces are drawn by class frequency to minus this power.")
    synthetic: float = Field(0.0, ge=0, lt=1, description="Share of the samples that synthetic faces are.")
    as_measured: bool = Field(
        False, description="Of synthetic faces what the prompt says was measured is observed, not what is true."
    )
    forced: float = Field(
        0.12, ge=0, lt=1, description="Share of explanations that start from the observations of another face."
    )


class Words(Part):
    """One run of `words.train`."""

    texts: int = Field(gt=0)
    rate: float = Field(gt=0, description="Peak learning rate.")
    batch: int = Field(96, gt=0)


class Base(Part):
    """`facevlm train base`."""

    seed: int = 0
    teacher_epochs: int = Field(gt=0)
    tower_epochs: int = Field(gt=0)
    renders: dict[str, int] = Field({}, description="Recipe of synthetic faces → how many of its pictures are used.")
    words: Words
    language: Language
    description: str = ""


class Lora(Part):
    """The size of a LoRA adapter."""

    rank: int = Field(default=32, gt=0)
    alpha: int = Field(default=64, gt=0)


class Sft(Part):
    """`facevlm train sft`: `base` is a folder, relative to the recipe's."""

    seed: int = 0
    base: Path
    renders: dict[str, int] = Field({}, description="As in the recipe of the base.")
    lora: Lora = Lora()
    language: Language


class Clip(Part):
    """`facevlm train clip`."""

    seed: int = 0
    renders: dict[str, int] = Field(description="Recipe of synthetic faces → how many of its pictures are used.")
    texts: int = Field(400, gt=0, description="Batches of captions alone, before any face.")
    words: int = Field(128, gt=0, multiple_of=32, description="Width of the text tower.")
    layers: int = Field(3, gt=0, description="Of the text tower.")
    dim: int = Field(128, gt=0, description="Of the space in which faces and texts meet.")
    epochs: int = Field(gt=0, description="Over the photographs, with a share of synthetic faces among them.")
    synthetic: float = Field(0.25, ge=0, lt=1, description="Share of the synthetic faces among the photographs.")
    batch: int = Field(192, gt=1)
    rate: float = Field(2e-3, gt=0, description="Peak learning rate.")
    strength: float = Field(1.0, ge=0, description="Of the augmentation.")
    description: str = ""


class Cues(Part):
    """`facevlm train cues`."""

    frontal: float = Field(gt=0, description="Degrees of yaw within which a face counts towards the mean face.")
    fewest: int = Field(gt=0, description="Resting faces below which nothing is fitted.")


class ActionUnits(Part):
    """`facevlm train au`."""

    renders: dict[str, int] = Field(description="Recipe of synthetic faces → how many of its pictures are fitted on.")
    usual: tuple[str, ...] = Field(
        (), description="Those as seldom one-sided as faces are, by which differences of sides are believed; else all."
    )
    brow: int = Field(160, gt=0, description="Principal components of the upper part of the mesh.")
    shape: int = Field(400, gt=0, description="Principal components of the whole mesh.")
    skin: int = Field(64, gt=0, description="Features that the network of each patch of skin tells.")
    skin_epochs: int = Field(12, gt=0, description="Of those networks, which are fitted first.")
    hidden: tuple[int, ...] = Field((512, 256), description="Widths of the hidden layers.")
    dropout: float = Field(0.25, ge=0, lt=1)
    skin_dropout: float = Field(0.15, ge=0, lt=1, description="How often the skin is withheld.")
    roughness: float = Field(
        1.0, ge=0, description="Most that is added of how a real resting face strays from the mean."
    )
    agreement: float = Field(
        0.8, gt=0.5, le=1, description="Share of the votes from which real faces are taken to show an emotion."
    )
    smiling: float = Field(
        0.7, ge=0, le=1, description="How often a rendered smile is given what sets real smiles apart from rendered."
    )
    smileless: tuple[int, ...] = Field(
        (1, 2, 4, 9, 10, 15, 17, 18, 20, 22, 23, 24, 28),
        description="Units that a plain smile does not show (Du, Tao & Martinez 2014, table 1).",
    )
    smile_percentile: float = Field(85, gt=50, lt=100, description="Of smiles: least output of these that is present.")
    shown: dict[Emotion, tuple[int, ...]] = Field(
        {"surprise": (1, 2), "anger": (4,)},
        description="Units of brows that real faces of an emotion show, nearly all (the same table).",
    )
    absent: dict[Emotion, tuple[int, ...]] = Field(
        {"neutral": (1, 2, 4), "happiness": (1, 2, 4), "surprise": (4,), "anger": (1, 2)},
        description="Units of brows that they do not.",
    )
    voted: float = Field(0.3, ge=0, description="Weight of these real faces beside renders.")
    rate: float = Field(2e-3, gt=0, description="Peak learning rate.")
    epochs: int = Field(16, gt=0)
    batch: int = Field(256, gt=0)
    rest_percentile: float = Field(
        97, gt=50, lt=100, description="Of resting faces: the output a unit is present from."
    )
    at_rest: dict[int, float] = Field(
        {25: 90}, description="The same of units that resting faces often show in truth: many lips are a little apart."
    )
    least_auc: float = Field(0.8, ge=0.5, lt=1, description="On people left out; below it a unit is not measured.")
    least_present: int = Field(20, gt=0, description="Faces with a unit among them, below which it is not measured.")
    fewest: int = Field(500, gt=0, description="Real resting faces below which nothing is fitted.")
    seed: int = 0


Recipe = TypeVar("Recipe", bound=Part)


def read(file: Path, kind: type[Recipe]) -> Recipe:
    """A recipe from its file. Raises InputError naming the file, the key and what is wrong with it."""
    content = files.mapping(file, "see adapters/*/recipe.yaml for those that ship")
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        raise InputError(f"{file}: {key}: {first['msg']}; known keys: {', '.join(kind.model_fields)}") from None
