"""How long each stage of an answer took, for whoever keeps figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Stage = Literal["find", "mark", "wait", "generate"]

# Told the stage and its seconds, from whichever thread did the work. «wait» is for the time before a request's turn
# comes, which whoever admits requests knows.
Watch = Callable[[Stage, float], None]


def silent(stage: Stage, seconds: float) -> None:
    """A watch that tells nobody."""
