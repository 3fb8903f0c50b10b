"""Recipes: what a synthetic data set shows, as YAML. One recipe and one seed give one data set, on any machine.

Those in `recipes/` ship and go by their names; a file of one's own is named by its path.
"""

from __future__ import annotations

from math import inf
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from facevlm import files
from facevlm.data.sample import reason
from facevlm.errors import InputError
from facevlm.types import Value

Kind = Literal["single", "prototype", "compound", "random", "neutral"]
Range = tuple[float, float]
FOLDER = Path(__file__).parent / "recipes"

_LIMITS = (
    ("people", 1, 8),
    ("units", 1, 8),
    ("yaw", -90, 90),
    ("pitch", -90, 90),
    ("roll", -180, 180),
    ("face_height", 0.1, 2),
)


class Recipe(Value):
    """What a data set shows."""

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    count: int = Field(gt=0, description="Pictures.")
    seed: int = Field(0, ge=0)
    pool: int = Field(
        0, ge=0, lt=100, description="Data sets of different pools share no person, look, light or place."
    )
    identities: int = Field(1000, gt=0, le=1_000_000, description="As many persons, looks, lights and places.")
    size: int = Field(256, ge=64, le=2048, description="Height of a picture in pixels.")
    people: tuple[int, int] = (1, 1)
    kinds: dict[Kind, float] = Field(description="Share of each kind of expression.")
    units: tuple[int, int] = Field((2, 5), description="How many action units a random combination has.")
    one_sided: float = Field(0.2, ge=0, le=1, description="Share of sided units that only one side shows.")
    uneven: float = Field(0.15, ge=0, le=1, description="Share of sided units that one side shows less.")
    yaw: Range = Field((-30, 30), description="Degrees, uniform.")
    pitch: Range = (-15, 15)
    roll: Range = (-12, 12)
    face_height: Range = Field((0.45, 0.75), description="Of a face, chin to hairline, in heights of the picture.")
    damaged: float = Field(0.5, ge=0, le=1, description="Share of pictures blurred, compressed, grey, small, noisy.")

    @model_validator(mode="after")
    def _drawable(self) -> Recipe:
        shares = self.kinds.values()
        if not shares or min(shares) < 0 or not 0 < sum(shares) < inf:
            raise ValueError("kinds: give at least one kind a share above 0")
        for name, low, high in _LIMITS:
            first, last = getattr(self, name)
            if not low <= first <= last <= high:
                raise ValueError(f"{name}: from {low} to {high}, the lower number first, not {first} and {last}")
        return self


_KEYS = ", ".join(Recipe.model_fields)


def shipped() -> tuple[str, ...]:
    """Names of the recipes that ship."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.yaml")))


def read(name: str, **changes: Any) -> Recipe:
    """A recipe by the name of one that ships, or by path; `changes` that are not None go over it.

    Raises:
        InputError: there is no such recipe, or it asks for what cannot be.
    """
    file = FOLDER / f"{name}.yaml" if name in shipped() else Path(name)
    if not file.is_file():
        raise InputError(f"{name}: no such recipe; use {', '.join(shipped())} or the path of a YAML file")
    content = files.mapping(file, f"a recipe has {_KEYS}")
    try:
        return Recipe.model_validate(content | {key: value for key, value in changes.items() if value is not None})
    except ValidationError as error:
        raise InputError(f"{file}: {_fault(error)}") from None


def _fault(error: ValidationError) -> str:
    first = error.errors()[0]
    if first["type"] in ("extra_forbidden", "invalid_key"):
        return f"{first['loc'][0]}: no such key; a recipe has {_KEYS}"
    return reason(error)
