"""A suite: what is asked about which pictures, under which conditions, and what is measured. `evals/suites/*.yaml`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from facevlm import files
from facevlm.config import asset_dir
from facevlm.data.sample import reason
from facevlm.errors import InputError
from facevlm.types import AU_CODES, EMOTIONS, Emotion, Value

Task = Literal["emotion", "units", "counts", "explanation", "vocabulary", "compound", "unseen", "conversation"]
Told = Literal["own", "withheld", "exchanged", "forced-own", "forced-other"]
Marks = Literal["plain", "box", "number", "landmarks"]


class Damaged(Value):
    """What is done to a picture before it is asked about, and how much of it (see `evaluation.damage`)."""

    kind: str
    level: float = 0.0


class Condition(Value):
    """One way of asking the same questions; None is the suite's own."""

    name: str
    prompt: str | None = None
    marks: Marks | None = None
    told: Told = "own"  # what was measured, or whose observations the answer begins with
    damage: Damaged | None = None
    whole: bool = True  # False: the face's box alone is the picture
    mirrored: bool = False
    of: str | None = None  # the condition it is read against


class Pictures(Value):
    """Pictures that need no data set: those that ship, or a recipe of synthetic faces."""

    shipped: str | None = None  # a name of `evaluation.shipped`
    recipe: str | None = None  # a recipe of `facevlm data synth`
    count: int | None = None
    seed: int | None = None


class Suite(Value):
    """What a file in `evals/suites` says."""

    name: str
    title: str
    task: Task
    about: str = ""
    data: dict[str, str] = Field(default_factory=dict)  # reader → the split that is read unless told otherwise
    pictures: Pictures | None = None
    prompt: str = "sov-cot"
    marks: Marks = "landmarks"
    conditions: tuple[Condition, ...] = (Condition(name="as given"),)
    emotions: tuple[Emotion, ...] = EMOTIONS  # the classes; samples of others are left out, and counted
    units: tuple[int, ...] = AU_CODES
    compounds: tuple[str, ...] = ()  # of `facs.compounds()`
    present_from: Literal["A", "B", "C", "D", "E"] = "A"  # the least intensity that counts as present
    folds: int = 1  # by subject, for figures pooled by fold
    wheels: str | None = None  # folder of MERTools' emotion wheels; None for the vocabulary that ships
    metrics: tuple[str, ...] = ()
    breakdown: tuple[str, ...] = ()  # groups that get figures of their own
    temperature: float = 0.7  # where several answers are sampled
    thresholds: dict[str, float] = Field(default_factory=dict)  # what a figure should reach, reported beside it
    heat: str | None = None  # folder of heat maps, ID.npy, that are held against where the action units are
    awaits: str | None = None  # what it still needs; it is listed and not run

    @property
    def greyed(self) -> dict[str, dict[str, int]]:
        """For each condition that others grey a region of: the names of these, and the action unit that shows there."""
        found: dict[str, dict[str, int]] = {}
        for each in self.conditions:
            if each.of is not None and each.damage is not None and each.damage.kind == "region":
                found.setdefault(each.of, {})[each.name] = int(each.damage.level)
        return found


_HAS_TASK = re.compile(r"^task:", re.MULTILINE)


def named(name: str) -> Suite:
    """A suite that ships, by its name, or one of the user's, by its file.

    Raises:
        InputError: there is none, or it is wrong.
    """
    file = Path(name) if name.endswith((".yaml", ".yml")) else folder() / f"{name}.yaml"
    if not file.is_file():
        raise InputError(f"{name}: unknown suite; use {', '.join(names())}, or a file of your own")
    return read(file)


def names() -> list[str]:
    """The suites that ship, sorted. A file without a task, as questions of a conversation are, is none."""
    return sorted(file.stem for file in folder().glob("*.yaml") if _HAS_TASK.search(file.read_text("utf-8")))


def folder() -> Path:
    """Where the suites that ship lie."""
    return asset_dir("evals") / "suites"


def read(file: Path) -> Suite:
    """The suite of a file, called after it. Raises InputError where it is wrong."""
    try:
        content = files.mapping(file, "write `task:` and what else evals/suites shows")
        return _checked(Suite(**{"name": file.stem, **content}), file)
    except ValidationError as error:
        raise InputError(f"{file}: {reason(error)}; correct the suite") from None


def _checked(suite: Suite, file: Path) -> Suite:
    conditions = [condition.name for condition in suite.conditions]
    for name in conditions:
        if conditions.count(name) > 1:
            raise InputError(f"{file}: two conditions are called {name!r}; give each its own name")
    for condition in suite.conditions:
        if condition.of is not None and condition.of not in conditions:
            other = f"condition {condition.name!r} is read against {condition.of!r}"
            raise InputError(f"{file}: {other}, which is not there; name one of {', '.join(conditions)}")
    return suite
