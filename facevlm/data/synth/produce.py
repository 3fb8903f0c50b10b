"""A data set on disk: pictures, the truth of every face as JSON lines, the recipe, a sheet to look at.

`OUT/images/000000.jpg …`, `OUT/samples.jsonl` (see `data.sample`), `OUT/recipe.json`, `OUT/sheet.jpg`. Pictures are
drawn by any number of processes and told of in their order, so one recipe gives one data set to the byte; a run that
was cut short goes on where it was.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from facevlm.data.sample import Sample, line
from facevlm.data.synth import rig as rigs
from facevlm.data.synth import scene
from facevlm.data.synth.recipe import Recipe
from facevlm.data.synth.sheet import contact_sheet
from facevlm.data.synth.stage import Stage
from facevlm.errors import InputError

SAMPLES, RECIPE, SHEET = "samples.jsonl", "recipe.json", "sheet.jpg"
JPEG_QUALITY = 92


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
        PrerequisiteError: pyvista is not installed.
    """
    rigs.load(rig)  # a wrong one is told before processes start
    with _writing(out):
        _claim(recipe, out)
        done, faces = _finished(out / SAMPLES)
        tick(done)
        with (out / SAMPLES).open("a", encoding="utf-8") as truth:
            for samples in _drawn(recipe, rig, out, range(done, recipe.count), workers):
                truth.write("".join(map(line, samples)))
                truth.flush()
                faces += len(samples)
                tick(1)
        contact_sheet(out, out / SHEET)
    return Produced(done, recipe.count - done, faces)


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{out}: cannot be written ({error.strerror or error}); free space or give another folder. "
            "What is there stays: the same command goes on from it"
        ) from None


def _claim(recipe: Recipe, out: Path) -> None:
    """Make the folder this recipe's. A larger count goes on with the same data set."""
    (out / "images").mkdir(parents=True, exist_ok=True)
    file = out / RECIPE
    if file.is_file():
        there = Recipe.model_validate_json(file.read_text(encoding="utf-8"))
        if there.model_copy(update={"count": recipe.count}) != recipe or there.count > recipe.count:
            raise InputError(f"{out}: holds a data set of another recipe or seed; give an empty folder, or {file}")
    partial = file.with_suffix(".partial")
    partial.write_text(recipe.model_dump_json(indent=1) + "\n", encoding="utf-8")
    partial.replace(file)


def _finished(truth: Path) -> tuple[int, int]:
    """How many pictures are told of whole, and their faces; what was half told is cut off the file.

    The last picture told of may lack faces, so it is always made again.
    """
    if not truth.is_file():
        return 0, 0
    lines = truth.read_bytes().split(b"\n")[:-1]
    pictures = [Sample.model_validate_json(each).image for each in lines]
    kept = lines[: pictures.index(pictures[-1])] if pictures else []
    partial = truth.with_suffix(".partial")
    partial.write_bytes(b"".join(each + b"\n" for each in kept))
    partial.replace(truth)
    return len(set(pictures)) - 1 if pictures else 0, len(kept)


def _drawn(recipe: Recipe, rig: Path, out: Path, indices: range, workers: int) -> Iterator[tuple[Sample, ...]]:
    """Each picture drawn and saved, and its samples, in order."""
    if not indices:
        return
    # Fresh processes, since a graphics library does not survive a fork; of one thread each.
    with ProcessPoolExecutor(min(workers, len(indices)), get_context("spawn"), _alone) as pool:
        todo = ((recipe, rig, out, index) for index in indices)
        yield from _in_order(pool, todo, ahead=4 * workers)


def _in_order(
    pool: ProcessPoolExecutor, todo: Iterator[tuple[Recipe, Path, Path, int]], ahead: int
) -> Iterator[tuple[Sample, ...]]:
    """`map`, but with only so many submitted ahead, so that an interrupt ends soon."""
    waiting = []
    try:
        for each in todo:
            waiting.append(pool.submit(_draw, *each))
            if len(waiting) > ahead:
                yield waiting.pop(0).result()
        while waiting:
            yield waiting.pop(0).result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _alone() -> None:
    os.environ.update({name: "1" for name in ("LP_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")})


def _draw(recipe: Recipe, rig: Path, out: Path, index: int) -> tuple[Sample, ...]:
    image, samples = scene.picture(rigs.load(rig), recipe, index, _stage(*scene.canvas(recipe)))
    _save(image, out / "images" / f"{index:06d}.jpg")
    return samples


@lru_cache(maxsize=1)
def _stage(width: int, height: int) -> Stage:
    return Stage(width, height)


def _save(image: Image.Image, file: Path) -> None:
    partial = file.with_suffix(".partial")
    image.save(partial, "JPEG", quality=JPEG_QUALITY)
    partial.replace(file)
