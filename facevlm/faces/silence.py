"""Holding back what C libraries print for themselves: users get one line, and it is ours."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_LOCK = threading.Lock()  # two at once would each take the other's sink for the real stderr, and leave it in place


@contextmanager
def silent() -> Iterator[None]:
    """Send what is written on file descriptor 2 nowhere, for the process as a whole: keep it short."""
    with _LOCK:
        kept = os.dup(2)
        sink = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(sink, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(sink)
