"""Pictures of requests, looked at once: the next turn of a conversation finds its picture as it was, to the byte."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

from facevlm.completions.limits import Limits
from facevlm.completions.opening import Opener
from facevlm.completions.watching import Watch
from facevlm.config import Settings
from facevlm.errors import InputError
from facevlm.faces.decode import Named
from facevlm.reasoning.seeing import Found, Seen, find, mark


class _Key(NamedTuple):
    name: str  # of the file, which what is told of the picture repeats
    sha256: str
    marks: str
    crop_size: int | None


@dataclass(frozen=True)
class _Kept:
    seen: Seen
    size: int  # bytes


class Gallery:
    """Finds and marks faces, and remembers what it saw as long as there is room. Use it from one event loop.

    Args:
        open: brings the bytes that a URL names.
        limits: on what is opened, and on the memory for what was.
        watch: is told how long finding and marking took.
    """

    def __init__(self, open: Opener, limits: Limits, watch: Watch) -> None:
        self._open = open
        self._limits = limits
        self._watch = watch
        self.settings = Settings(max_pixels=limits.pixels, max_bytes=limits.largest_bytes)
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._coming: dict[_Key, asyncio.Task[Seen]] = {}

    async def at(self, url: str, marks: str, crop_size: int | None) -> Seen:
        """What a URL shows. Raises InputError where it cannot be opened or read, or exceeds a limit."""
        if not url.startswith("data:"):  # what others name may be another picture by now
            return await self.of(await self._open(url), marks, crop_size)
        if len(url) > 2 * self._limits.largest_bytes:  # base64 takes four thirds; `find` counts the bytes themselves
            raise InputError(f"picture: more than {self._limits.largest_bytes:,} bytes; scale it down")
        key = _Key("", hashlib.sha256(url.encode()).hexdigest(), marks, crop_size)
        return self._remembered(key) or await self._shared(key, await self._open(url))

    async def of(self, data: bytes, marks: str, crop_size: int | None) -> Seen:
        """What a file shows. Raises as `at` does."""
        name = data.name if isinstance(data, Named) else ""
        key = _Key(name, hashlib.sha256(data).hexdigest(), marks, crop_size)
        return self._remembered(key) or await self._shared(key, data)

    async def _shared(self, key: _Key, data: bytes) -> Seen:
        """Many may ask for a picture at the same time; it is looked at once, and to the end, whoever leaves."""
        if seen := self._remembered(key):
            return seen
        if key not in self._coming:
            task = asyncio.create_task(asyncio.to_thread(self._look, data, key))
            self._coming[key] = task
            task.add_done_callback(lambda done: self._arrived(key, done))
        return await asyncio.shield(self._coming[key])

    def _look(self, data: bytes, key: _Key) -> Seen:
        began = time.perf_counter()
        found = find(data, self.settings)
        self._check(found)
        self._watch("find", time.perf_counter() - began)
        began = time.perf_counter()
        seen = mark(found, key.marks, key.crop_size)
        self._watch("mark", time.perf_counter() - began)
        return seen

    def _check(self, found: Found) -> None:
        size = found.picture.image.size
        if min(size) < self._limits.smallest_side:
            least = self._limits.smallest_side
            raise InputError(f"picture: {size[0]}×{size[1]} is too small; give {least}×{least} or more")
        if len(found.faces) > self._limits.faces:
            raise InputError(f"picture: {len(found.faces)} faces are more than {self._limits.faces}; send a part of it")

    def _arrived(self, key: _Key, done: asyncio.Task[Seen]) -> None:
        del self._coming[key]
        if done.cancelled() or done.exception() is not None:
            return
        self._kept[key] = _Kept(done.result(), _size(done.result()))
        while sum(each.size for each in self._kept.values()) > self._limits.kept_bytes:
            self._kept.popitem(last=False)

    def _remembered(self, key: _Key) -> Seen | None:
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key].seen


def _size(seen: Seen) -> int:
    """Bytes of the pixels, and as many again for the pictures as they are sent."""
    return 2 * 3 * sum(image.width * image.height for image in (seen.marked.image, *seen.crops))
