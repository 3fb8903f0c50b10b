"""What every route works with, and how one of them does its work: in turn, and within its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from facevlm.completions import Completer
from facevlm.errors import PrerequisiteError
from facevlm.serving.metrics import Metrics
from facevlm.serving.settings import ServeSettings
from facevlm.serving.slots import Slots
from facevlm.types import Analysis


@dataclass(frozen=True)
class Desk:
    completer: Completer
    settings: ServeSettings
    slots: Slots
    metrics: Metrics
    ready: Callable[[], bool]

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A turn at work.

        Raises:
            PrerequisiteError: the models cannot be asked at this moment.
            TimeoutError: the wait and the work take longer than a request may.
        """
        if not self.ready():
            raise PrerequisiteError("the model is being started; try again in some seconds")
        async with asyncio.timeout(self.settings.request_seconds), self.slots.turn():
            yield


def explained(analyses: Iterable[Analysis]) -> int:
    """How many faces were explained."""
    return sum(face.explanation is not None for analysis in analyses for face in analysis.faces)
