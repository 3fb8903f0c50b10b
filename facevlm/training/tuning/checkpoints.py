"""The folder a run keeps its checkpoints in: which run it belongs to, and from where that goes on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from facevlm import files
from facevlm.errors import InputError
from facevlm.training.tuning import curves

_CLAIM = "run.json"
_STATE = "trainer_state.json"


def claim(work: Path, told: dict[str, Any], *, fresh: bool) -> None:
    """Make a folder this run's, or go on with it where it is already.

    Args:
        work: the folder; made where there is none.
        told: all that a checkpoint depends on, as JSON.
        fresh: forget the checkpoints of an earlier run, whatever it was.

    Raises:
        InputError: it holds the checkpoints of another run, or cannot be written.
    """
    file = work / _CLAIM
    if fresh:
        _forget(work)
    elif file.is_file():
        _agree(file, told)
    elif any(work.glob("checkpoint-*")):
        raise InputError(f"{work}: holds checkpoints of another program; give an empty folder with --work")
    try:
        work.mkdir(parents=True, exist_ok=True)
        files.write(file, json.dumps(told, indent=1) + "\n")
    except OSError as error:
        raise InputError(f"{work}: cannot be written ({error.strerror}); give another folder with --work") from None


def last(work: Path) -> Path | None:
    """The newest checkpoint that was written to its end; a trainer writes its state last."""
    whole = [folder for folder in work.glob("checkpoint-*") if _step(folder) is not None]
    return max(whole, key=lambda folder: _step(folder) or 0, default=None)


def _agree(file: Path, told: dict[str, Any]) -> None:
    try:
        there = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        there = {}
    changed = sorted(key for key in {*there, *told} if there.get(key) != told.get(key))
    if changed:
        remedy = "undo the change to go on, or give --fresh to start over or another --work"
        raise InputError(f"{file.parent}: holds a run with other {', '.join(changed)}; {remedy}")


def _forget(work: Path) -> None:
    for checkpoint in work.glob("checkpoint-*"):
        shutil.rmtree(checkpoint)
    for name in (_CLAIM, curves.JSON):
        (work / name).unlink(missing_ok=True)


def _step(folder: Path) -> int | None:
    try:
        return int(json.loads((folder / _STATE).read_text(encoding="utf-8"))["global_step"])
    except (OSError, ValueError, KeyError):
        return None
