"""A batch in this process: many requests in flight, each replaced as soon as it is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

from facevlm.batch.answering import Answerer, faulty
from facevlm.batch.lines import Line, read
from facevlm.batch.results import Result, Results
from facevlm.errors import InputError, ModelError

IN_A_ROW = 16  # failures after which the model is taken to be broken, and the batch ends

Tick = Callable[[int], object]  # is told of each line that is done with, by its bytes


class Keeper:
    """Takes results as they come to their file, and ends the batch where the model only fails.

    Failures are held back until one request succeeds: those of a server that is gone are no results, and the next run
    asks again.
    """

    def __init__(self, results: Results, tick: Tick) -> None:
        self._results = results
        self._tick = tick
        self._held: list[Result] = []

    def keep(self, result: Result, size: int) -> None:
        """Write one result. Raises ModelError where too many in a row have failed, InputError where the disk did."""
        if result.failed:
            self._hold(result)
        else:
            if result.status == 200:
                self.release()
            self._results.add(result)
        self._tick(size)

    def pending(self, source: Path) -> Iterator[Line]:
        """The lines that the model is to be asked; those at fault get their results, those done are passed over."""
        for line in read(source):
            found = self._results.claim(line.custom_id, line.place.number)
            if found != "new":
                self._tick(line.place.size)
            elif isinstance(line.request, InputError):
                self.keep(faulty(line.custom_id, line.request), line.place.size)
            else:
                yield line
        self._results.finish()

    def release(self) -> None:
        """Write the failures held back."""
        for result in self._held:
            self._results.add(result)
        self._held.clear()

    def _hold(self, result: Result) -> None:
        self._held.append(result)
        if len(self._held) >= IN_A_ROW:
            raise ModelError(f"{result.why}; {IN_A_ROW} requests in a row failed so; run again to go on from here")


def run(answerer: Answerer, source: Path, results: Results, tick: Tick, in_flight: int = 64) -> None:
    """Answer every line of `source` that has no result yet.

    Raises:
        InputError: the input cannot be read, or the results not be written.
        PrerequisiteError: something the model needs is missing.
        ModelError: the model failed so often that going on makes no sense.
    """
    asyncio.run(_run(answerer, source, Keeper(results, tick), in_flight))


async def _run(answerer: Answerer, source: Path, keeper: Keeper, in_flight: int) -> None:
    slots = asyncio.Semaphore(in_flight)

    async def answer(line: Line) -> None:
        keeper.keep(await answerer.answer(line), line.place.size)
        slots.release()

    try:
        async with asyncio.TaskGroup() as group:
            for line in keeper.pending(source):
                await slots.acquire()
                group.create_task(answer(line))
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    keeper.release()
