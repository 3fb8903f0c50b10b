"""A figure with its interval and what it is of. `scores.json` holds a list of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import Field, TypeAdapter, ValidationError

from facevlm import files
from facevlm.errors import InputError
from facevlm.types import Value

SCORES = "scores.json"


class Score(Value):
    """One figure of a run. `value` is None where it is not defined, and `note` then says why."""

    metric: str
    value: float | None
    low: float | None = None  # the 95 % interval
    high: float | None = None
    n: int = 0  # faces or pictures it is of
    condition: str
    group: dict[str, str] = Field(default_factory=dict)  # {"light": "dim"} where it is of these alone
    of: str | None = None  # a class («fear») or an action unit («AU12»); None: of all
    better: Literal["higher", "lower"] = "higher"
    note: str | None = None


def write(folder: Path, scores: Iterable[Score]) -> None:
    """Put the figures of a run in its folder, whole or not at all."""
    files.write(folder / SCORES, _SCORES.dump_json(list(scores), indent=1).decode())


def read(folder: Path) -> list[Score]:
    """The figures of a run. Raises InputError where there are none."""
    file = folder / SCORES
    try:
        return _SCORES.validate_json(file.read_bytes())
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); run `facevlm eval score {folder}`") from None
    except ValidationError:
        raise InputError(f"{file}: holds no figures; run `facevlm eval score {folder}`") from None


_SCORES = TypeAdapter(list[Score])
