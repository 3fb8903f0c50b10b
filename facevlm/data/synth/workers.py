"""Pictures drawn by several processes, told of in their order."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from itertools import islice
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import NamedTuple

from PIL import Image

from facevlm.data.pictures import write_picture
from facevlm.data.sample import Sample
from facevlm.data.synth import rig as rigs
from facevlm.data.synth import scene
from facevlm.data.synth.recipe import Recipe
from facevlm.data.synth.stage import Stage

JPEG_QUALITY = 92
_AHEAD = 4  # pictures a process may be ahead, so that an interrupt ends soon
_ONE_THREAD = ("LP_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Job(NamedTuple):
    """What every process needs to know."""

    recipe: Recipe
    rig: Path
    out: Path


def drawn(job: Job, indices: range, workers: int) -> Iterator[tuple[Sample, ...]]:
    """Each picture drawn and saved in `out/images`, and its samples, in order.

    Raises:
        BrokenProcessPool: a process ended by itself.
    """
    if not indices:
        return
    with one_thread_each():
        # Fresh processes, since a graphics library does not survive a fork.
        pool = ProcessPoolExecutor(min(workers, len(indices)), get_context("spawn"), obey)
        try:
            todo = iter(indices)
            waiting = [pool.submit(_draw, job, index) for index in islice(todo, _AHEAD * workers)]
            while waiting:
                yield waiting.pop(0).result()
                waiting += [pool.submit(_draw, job, index) for index in islice(todo, 1)]
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def one_thread_each() -> Iterator[None]:
    """New processes inherit this, in time for numpy. How a sum is split among threads would show in its last bits."""
    before = {name: os.environ[name] for name in _ONE_THREAD if name in os.environ}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name in _ONE_THREAD:
            del os.environ[name]
        os.environ.update(before)


def obey() -> None:
    """Leave interrupts to the parent, which then lets pictures be finished; end when it has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _draw(job: Job, index: int) -> tuple[Sample, ...]:
    stage = _stage(*scene.canvas(job.recipe))
    image, samples = scene.picture(rigs.load(job.rig), job.recipe, index, stage)
    save(image, job.out / "images" / f"{index:06d}.jpg")
    return samples


@lru_cache(maxsize=1)
def _stage(width: int, height: int) -> Stage:
    return Stage(width, height)


def save(image: Image.Image, file: Path) -> None:
    """Put a picture in a JPEG, whole or not at all."""
    write_picture(image, file, "JPEG", JPEG_QUALITY)
