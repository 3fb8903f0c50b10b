"""A data set on disk: pictures, the truth of every face as JSON lines, the recipe, a sheet to look at.

`OUT/images/000000.jpg …`, `OUT/samples.jsonl` (see `data.sample`), `OUT/recipe.json`, `OUT/sheet.jpg`. Pictures are
drawn by any number of processes and told of in their order, so one recipe gives one data set to the byte; a run that
was cut short goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from facevlm import files
from facevlm.data.sample import Sample, line
from facevlm.data.synth import rig as rigs
from facevlm.data.synth.recipe import Recipe
from facevlm.data.synth.sheet import contact_sheet
from facevlm.data.synth.workers import Job, drawn
from facevlm.errors import InputError, PrerequisiteError

SAMPLES, RECIPE, SHEET = "samples.jsonl", "recipe.json", "sheet.jpg"


class Produced(NamedTuple):
    """What a run made: pictures that were there already, new ones, and all faces."""

    kept: int
    made: int
    faces: int


def produce(
    recipe: Recipe, rig: Path, out: Path, workers: int = 2, tick: Callable[[int], None] = lambda pictures: None
) -> Produced:
    """Make the data set of a recipe in the folder `out`, or what is missing of it.

    Args:
        tick: told of how many pictures there are more.

    Raises:
        InputError: the rig is none, `out` holds another recipe's data set, or cannot be written.
        PrerequisiteError: pyvista, EGL or a driver is missing, or a process died, as for want of memory.
    """
    rigs.load(rig)  # a wrong one is told before processes start
    with _explained(out):
        _claim(recipe, out)
        done, faces = _finished(out)
        tick(done)
        with (out / SAMPLES).open("a", encoding="utf-8") as truth:
            for samples in drawn(Job(recipe, rig, out), range(done, recipe.count), workers):
                truth.write("".join(map(line, samples)))
                truth.flush()
                faces += len(samples)
                tick(1)
        contact_sheet(out, out / SHEET)
    return Produced(done, recipe.count - done, faces)


@contextmanager
def _explained(out: Path) -> Iterator[None]:
    """What may end a run halfway, as errors that say how it goes on."""
    goes_on = "what is there stays, and the same command goes on from it"
    try:
        yield
    except OSError as error:
        why = error.strerror or error
        raise InputError(f"{out}: cannot be written ({why}); free space or give another folder: {goes_on}") from None
    except BrokenProcessPool:
        why = "a process that renders was ended, as for want of memory"
        raise PrerequisiteError(f"{out}: {why}; give fewer --workers: {goes_on}") from None


def _claim(recipe: Recipe, out: Path) -> None:
    """Make the folder this recipe's. A larger count goes on with the same data set."""
    (out / "images").mkdir(parents=True, exist_ok=True)
    file = out / RECIPE
    if file.is_file():
        _agree(recipe, file)
    elif (out / SAMPLES).is_file():
        raise InputError(f"{out}: holds samples and no {RECIPE}, so they were not made here; give an empty folder")
    files.write(file, recipe.model_dump_json(indent=1) + "\n")


def _agree(recipe: Recipe, file: Path) -> None:
    try:
        there = Recipe.model_validate_json(file.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError):
        raise InputError(f"{file}: not the recipe of a data set; give an empty folder") from None
    if there.model_copy(update={"count": recipe.count}) != recipe:
        raise InputError(f"{file.parent}: holds a data set of another recipe or seed; give an empty folder")
    if there.count > recipe.count:
        raise InputError(f"{file.parent}: is to hold {there.count} pictures; give --count {there.count} or more")


def _finished(out: Path) -> tuple[int, int]:
    """How many pictures are told of whole, and their faces; all from the first line or picture amiss is cut off.

    The last picture told of may lack faces, so it is always made again.
    """
    truth = out / SAMPLES
    if not truth.is_file():
        return 0, 0
    lines = truth.read_bytes().split(b"\n")[:-1]
    told = list(_whole(out, lines))
    kept = lines[: told.index(told[-1])] if told else []
    with files.replaced(truth) as partial:
        partial.write_bytes(b"".join(each + b"\n" for each in kept))
    return len(set(told[: len(kept)])), len(kept)


def _whole(out: Path, lines: list[bytes]) -> Iterator[str]:
    """The picture of each line, up to the first line or picture amiss."""
    for each in lines:
        try:
            picture = Sample.model_validate_json(each).image
        except ValidationError:
            return
        if not (out / picture).is_file():
            return
        yield picture
