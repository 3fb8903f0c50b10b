"""A batch over a Ray cluster: Ray Data hands places in the input to actors, and their results come back to one file.

The input, and pictures named by their paths, lie where every worker can read them. Lines travel by place only.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from facevlm.batch.answering import Backend
from facevlm.batch.lines import Place, read_at
from facevlm.batch.results import Result, Results
from facevlm.batch.run import Keeper, Tick
from facevlm.errors import InputError, ModelError, PrerequisiteError, quoted

if TYPE_CHECKING:
    import ray.data

TASK = 16  # lines a worker is handed at once; their results come back together
OBJECT_STORE = 256 * 2**20  # bytes, of a cluster that is started here
REACHABLE = 10.0  # seconds a cluster has to take a connection
LOCAL = "local"


@dataclass(frozen=True)
class Cluster:
    """Which Ray cluster, and how much of it.

    `address` is as `ray.init` takes it; `local` starts one here. Each of the `workers` is a process with a CPU of its
    own, and with `gpus` GPUs.
    """

    address: str = LOCAL
    workers: int = 2
    gpus: float = 0.0


def run(cluster: Cluster, backend: Backend, source: Path, results: Results, tick: Tick) -> None:
    """Answer every line of `source` that has no result yet; each worker has as many in flight as its backend takes.

    Raises:
        InputError: the input cannot be read, or the results not be written.
        PrerequisiteError: Ray is not installed or not there.
        ModelError: the model failed so often that going on makes no sense, or the workers did.
    """
    if backend.base_url is not None:
        backend.answerer(source.parent)  # what is wrong with an endpoint is told before a worker is started
    keeper = Keeper(results, tick)
    places = np.array([line.place for line in keeper.pending(source)], np.int64).reshape(-1, 3)
    if not len(places):
        return
    with _connected(cluster):
        import ray

        try:
            for size, result in _results(_answered(cluster, backend, source.resolve(), places)):
                keeper.keep(result, size)
        except ray.exceptions.RayError as error:
            raise _failure(error) from None
    keeper.release()


class Worker:
    """One process of the cluster: answers the lines at the places it is handed, several handfuls at a time."""

    def __init__(self, backend: Backend, source: Path) -> None:
        self._source = source
        self._answerer = backend.answerer(source.parent)
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def __call__(self, places: dict[str, NDArray[np.int64]]) -> dict[str, Any]:
        """The results of lines, in columns."""
        rows = [Place(*map(int, row)) for row in zip(*(places[name] for name in Place._fields), strict=True)]
        results = asyncio.run_coroutine_threadsafe(self._answer(rows), self._loop).result()
        columns = {name: np.array([getattr(each, name) for each in results], object) for name in Result._fields}
        return {"size": places["size"], **columns}

    async def _answer(self, rows: list[Place]) -> list[Result]:
        return await asyncio.gather(*(self._answerer.answer(read_at(self._source, row)) for row in rows))


def _answered(cluster: Cluster, backend: Backend, source: Path, places: NDArray[np.int64]) -> ray.data.Dataset:
    import pyarrow
    import ray.data

    tasks = [places[start : start + TASK] for start in range(0, len(places), TASK)]
    rows = ray.data.from_arrow([pyarrow.table(dict(zip(Place._fields, task.T, strict=True))) for task in tasks])
    at_once = max(1, backend.in_flight // TASK)
    return rows.map_batches(
        Worker,
        fn_constructor_args=(backend, source),
        batch_format="numpy",
        compute=ray.data.ActorPoolStrategy(
            size=cluster.workers, max_concurrent_calls_per_actor=at_once, enable_true_multi_threading=True
        ),
        num_cpus=1,
        num_gpus=cluster.gpus or None,
    )


def _results(answered: ray.data.Dataset) -> Iterator[tuple[int, Result]]:
    """Results in the order in which the workers finish, each with the length of its line."""
    for batch in answered.iter_batches(batch_size=None, batch_format="numpy", prefetch_batches=0):
        for size, *row in zip(batch["size"], *(batch[name] for name in Result._fields), strict=True):
            custom_id, status, text, why = row
            yield int(size), Result(custom_id, int(status), text, why)


@contextmanager
def _connected(cluster: Cluster) -> Iterator[None]:
    """The cluster, while it is used; one that was started here ends with it."""
    if find_spec("ray") is None:
        raise PrerequisiteError("ray is not installed; pip install 'facevlm[ray]'")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray.data

    _check_reachable(cluster.address)
    here: dict[str, Any] = {"num_cpus": cluster.workers, "include_dashboard": False}
    here |= {"object_store_memory": OBJECT_STORE}
    started = here if cluster.address == LOCAL else {}
    try:
        ray.init(cluster.address, log_to_driver=False, logging_level=logging.ERROR, **started)
    except Exception as error:  # Ray raises nearly every built-in one, a slow start is a bare Exception
        raise _absent(cluster.address, error) from None
    try:
        ray.data.DataContext.get_current().enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        yield
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Raises PrerequisiteError where nothing answers at HOST:PORT, for which Ray itself waits a quarter of an hour."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdecimal():
        try:
            socket.create_connection((host, int(port)), timeout=REACHABLE).close()
        except OSError as error:
            raise _absent(address, error) from None


def _absent(address: str, error: Exception) -> PrerequisiteError:
    remedy = "`ray start --head` starts one, and --ray local one for this run alone"
    return PrerequisiteError(f"{address}: no Ray cluster answers ({quoted(str(error))}); {remedy}")


def _failure(error: Exception) -> Exception:
    """What a worker died of: our own error where it was one."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, InputError | PrerequisiteError | ModelError):
        return cause
    return ModelError(f"the workers failed ({quoted(str(error).strip().splitlines()[-1])}); see the logs of Ray")
