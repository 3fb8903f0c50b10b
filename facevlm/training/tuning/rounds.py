"""`facevlm train rounds`: the tuned model explains unlabelled pictures, and learns from those answers that hold.

An answer holds if it is valid, measurement supports its claims, and the model says the same when it is asked again.
After stage 3 of Facial-R1 (arXiv 2511.10254 v1, withdrawn later), with measurement in the place of manual review.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from facevlm import files
from facevlm.config import asset_dir, model_folder
from facevlm.errors import InputError
from facevlm.models import Model
from facevlm.training.recipe import read
from facevlm.training.tuning import round_files, round_report, rows
from facevlm.training.tuning.annotating import Annotator
from facevlm.training.tuning.keeping import Rules
from facevlm.training.tuning.round_files import Annotation, Unlabelled
from facevlm.training.tuning.round_report import Report

ANNOTATIONS, ROWS, REPORT = "annotations.jsonl", "train.jsonl", "report"

Tick = Callable[[], None]


class Rounds(Rules):
    """`facevlm train rounds`; paths are relative to the recipe."""

    rounds: int = Field(1, gt=0, description="How often the model annotates and is tuned on what is kept.")
    tuning: str | None = Field(None, description="Recipe of `facevlm train sft` that each round is tuned by.")
    beside: Path | None = Field(None, description="Rows that are trained on beside those kept, so that less drifts.")
    fewest: int = Field(100, gt=0, description="Rows below which a round is not tuned on.")
    seed: int = Field(0, ge=0)


def read_rounds(config: Path) -> Rounds:
    """A recipe of rounds with its paths made those of the recipe's folder.

    Raises:
        InputError: it cannot be read, or a key or value is wrong.
    """
    said = read(config, Rounds)
    near = config.parent / (said.tuning or "")
    tuning = str(near) if near.is_file() else said.tuning
    beside = None if said.beside is None else config.parent / said.beside
    return said.model_copy(update={"tuning": tuning, "beside": beside})


def folders(model: str, adapter: str | None) -> tuple[str, Path | None]:
    """The folders of a base and of the adapter it is asked with, as `facevlm analyze` finds them by name."""
    base = asset_dir("adapters") / f"{model}-base"
    start = model_folder(adapter or f"{model}-facs", "adapter_config.json")
    return str(base) if base.is_dir() else model, start


def annotated(
    recipe: Rounds, model: Model, pictures: Sequence[Unlabelled], root: Path, folder: Path, number: int, tick: Tick
) -> Report:
    """Annotate pictures into a round's folder, going on where it was broken off, and write its rows and report.

    Raises:
        InputError: the folder holds another round's, or cannot be written.
        ModelError: the model answers nothing at all.
    """
    _claim(folder, {"model": model.name, "adapter": model.adapter, "number": number} | recipe.model_dump(mode="json"))
    file = folder / ANNOTATIONS
    known = {each.image for each in round_files.done(file)}
    for _ in known:
        tick()
    left = (each for each in pictures if each.image not in known)
    for each in Annotator(model, root, folder, recipe, recipe.seed).annotations(left):
        round_files.add(each, file)
        tick()
    found = round_files.done(file)
    _write(folder / ROWS, _lines(found, recipe.beside, folder))
    told = round_report.report(number, model.name, model.adapter, found)
    _write(folder / f"{REPORT}.json", [told.model_dump_json(indent=1) + "\n"])
    _write(folder / f"{REPORT}.md", [round_report.markdown(told)])
    return told


def tuned(recipe: Rounds, told: Report, folder: Path, model: str, adapter: str | None) -> Path:
    """Tune the adapter that annotated on a round's rows, and return the folder of the new one; it is made once.

    Raises:
        InputError: too few rows are kept, or as `supervised.run` does.
    """
    from facevlm.training.tuning import supervised
    from facevlm.training.tuning.recipe import Supervised, located
    from facevlm.training.tuning.recipe import read as read_tuning

    result = folder / "adapter"
    if (result / "adapter_config.json").is_file():
        return result
    if told.rows < recipe.fewest:
        kept = f"{told.rows} rows are kept and {recipe.fewest} are needed"
        raise InputError(f"{folder}: {kept}; give more pictures, or lower agreement, overlap or fewest in the recipe")
    base, start = folders(model, adapter)
    chosen = read_tuning(located(str(recipe.tuning)), Supervised, data=folder / ROWS, model=base, start=start)
    supervised.run(chosen, result, folder / "work")
    return result


def _claim(folder: Path, told: dict[str, Any]) -> None:
    """Make the folder this round's, or go on with it. Raises InputError where it is another's."""
    file = folder / "round.json"
    settings = json.dumps(told, indent=1, sort_keys=True) + "\n"
    if file.is_file() and file.read_text(encoding="utf-8") != settings:
        raise InputError(f"{folder}: holds a round of another model or other settings; give another --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made a folder ({error.strerror}); give another --out") from None
    _write(file, [settings])


def _lines(found: Sequence[Annotation], beside: Path | None, folder: Path) -> Iterator[str]:
    """The rows that `facevlm train sft` reads: those kept, then those trained on beside them."""
    for annotation in found:
        for each in annotation.kept:
            row = {
                "prompt": [{"role": role, "content": text} for role, text in each.prompt],
                "completion": [{"role": "assistant", "content": each.answer}],
                "images": list(each.images),
            }
            yield json.dumps(row, ensure_ascii=False) + "\n"
    for given in rows.read(beside)[0] if beside is not None else []:
        images = [os.path.relpath(picture, folder) for picture in given.pictures]
        yield json.dumps(given.exchange() | {"images": images}, ensure_ascii=False) + "\n"


def _write(file: Path, lines: Iterator[str] | Sequence[str]) -> None:
    try:
        files.write(file, "".join(lines))
    except OSError as error:
        raise InputError(f"{file}: cannot be written ({error.strerror}); free space or give another --out") from None
