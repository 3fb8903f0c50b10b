"""What a run was: everything its figures depend on, and how far it came. `run.json` holds it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import Field, ValidationError

from facevlm import files
from facevlm.errors import InputError
from facevlm.evaluation.suite import Suite
from facevlm.types import Value

RUN = "run.json"
ROWS = "rows.jsonl"


class DataSet(Value):
    """The pictures and their labels. `shown` says whether they may appear in a report."""

    name: str
    place: str | None = None  # folder or file; None for pictures that ship
    split: str | None = None
    sha256: str  # of the labels and the pictures' names, in their order
    shown: bool = False
    note: str | None = None  # how it differs from what is published


class Lost(Value):
    """A picture or a row of the data set that could not be asked about, and why."""

    id: str
    reason: str


class Counts(Value):
    """How it stands with the pictures, each counted once for each condition and draw."""

    samples: int = 0  # pictures that are asked about
    unanswered: int = 0  # pictures left out, as a batch holds no answer about them
    asked: int = 0  # answers there should be
    done: int = 0  # answers there are
    failed: int = 0  # answers that the model failed to give; a second run asks again
    unparsable: int = 0  # of these, answers that could not be read: they count as wrong
    outside: int = 0  # labelled faces left out, as the suite has no such class
    lost: tuple[Lost, ...] = ()


class Run(Value):
    """One run of a suite with one model."""

    schema_version: str = "1"
    suite: Suite
    data: DataSet
    model: str
    adapter: str | None = None
    weights: str | None = None  # sha256 of the files of base and adapter; None for an endpoint
    base_url: str | None = None
    prompts: dict[str, str] = Field(default_factory=dict)  # name → name@hash
    tables: str  # sha256 of the tables that faces are measured with
    marks: str = "landmarks"
    seed: int = 0
    draws: int = 1
    limit: int | None = None
    shuffle: int | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    command: str
    started: datetime
    ended: datetime | None = None
    seconds: float = 0.0  # spent asking, over all sittings
    counts: Counts = Counts()


def write(folder: Path, run: Run) -> None:
    """Put `run.json` in the folder of a run, whole or not at all. Raises InputError where that fails."""
    file = folder / RUN
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files.write(file, run.model_dump_json(indent=1) + "\n")
    except OSError as error:
        raise InputError(f"{file}: cannot be written ({error.strerror}); free space or give another --out") from None


def read(folder: Path) -> Run:
    """The run of a folder. Raises InputError where there is none."""
    file = folder / RUN
    try:
        return Run.model_validate_json(file.read_bytes())
    except OSError as error:
        why = f"cannot be read ({error.strerror}); give a folder that `facevlm eval run` made"
        raise InputError(f"{file}: {why}") from None
    except ValidationError:
        raise InputError(f"{file}: not of `facevlm eval run`; give a folder that it made") from None
