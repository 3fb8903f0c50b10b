"""What every route works with, and how one of them does its work: in turn, and within its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from facevlm.completions import Completer
from facevlm.serving.errors import not_ready
from facevlm.serving.metrics import Metrics
from facevlm.serving.settings import ServeSettings
from facevlm.serving.slots import Slots
from facevlm.types import Analysis


@dataclass(frozen=True)
class Desk:
    """What the routes share."""

    completer: Completer
    settings: ServeSettings
    slots: Slots
    metrics: Metrics
    ready: Callable[[], bool]

    def check_ready(self) -> None:
        """Raises Refusal, 503, where the models cannot be asked at this moment."""
        if not self.ready():
            raise not_ready()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A turn at work.

        Raises:
            Refusal: 503, the models cannot be asked at this moment.
            TimeoutError: the wait and the work take longer than a request may.
        """
        self.check_ready()
        async with asyncio.timeout(self.settings.request_seconds), self.slots.turn():
            yield


def explained(analyses: Iterable[Analysis]) -> int:
    """How many faces were explained."""
    return sum(face.explanation is not None for analysis in analyses for face in analysis.faces)
