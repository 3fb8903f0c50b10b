"""Whose a conversation is. Browsers see their own; what nobody on the page began is seen on this machine only.

Of a conversation that is kept, the browser's word is kept too, as a hash. One that is not kept is forgotten a while
after its browser has gone.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from facevlm import files

GRACE = 600.0  # seconds a browser may be away before what it did not keep is forgotten


class Visitors:
    """The browsers that are here, and the conversations that are theirs.

    Args:
        file: where owners of kept conversations are written; None keeps none.
        forget: is called with the ids of conversations whose browser has gone.
        grace: seconds a browser may be away.
    """

    def __init__(self, file: Path | None, forget: Callable[[list[str]], None], grace: float = GRACE) -> None:
        self._file, self._forget, self._grace = file, forget, grace
        self._kept: dict[str, str] = json.loads(file.read_bytes()) if file and file.is_file() else {}
        self._owners: dict[str, str] = dict(self._kept)
        self._unlisted: set[str] = set()
        self._here: Counter[str] = Counter()
        self._lock = threading.Lock()

    def come(self, browser: str) -> str:
        """A page of this browser was opened. Returns the browser, which `leave` takes."""
        with self._lock:
            self._here[browser] += 1
        return browser

    def leave(self, browser: str) -> None:
        """A page of this browser was closed."""
        with self._lock:
            self._here[browser] -= 1
        timer = threading.Timer(self._grace, self._sweep, [browser])
        timer.daemon = True
        timer.start()

    def own(self, browser: str, conversation: str, *, listed: bool = True) -> None:
        """The conversation is this browser's; one that is not listed is not among those it sees."""
        with self._lock:
            self._owners[conversation] = _hash(browser)
            if not listed:
                self._unlisted.add(conversation)

    def keep(self, conversation: str) -> None:
        """The conversation's owner is to be known when the page is started again."""
        with self._lock:
            self._kept[conversation] = self._owners[conversation]
            self._write()

    def forgotten(self, conversation: str) -> None:
        """There is no such conversation any more."""
        with self._lock:
            self._owners.pop(conversation, None)
            self._unlisted.discard(conversation)
            if self._kept.pop(conversation, None):
                self._write()

    def sees(self, browser: str, conversation: str, *, local: bool) -> bool:
        """Whether this browser may see the conversation; `local`: whether only this machine reaches the page."""
        owner = self._owners.get(conversation)
        mine = local if owner is None else owner == _hash(browser)
        return mine and conversation not in self._unlisted

    def _sweep(self, browser: str) -> None:
        with self._lock:
            if self._here[browser] > 0:
                return
            del self._here[browser]
            gone = [talk for talk, owner in self._owners.items() if owner == _hash(browser) and talk not in self._kept]
            for talk in gone:
                del self._owners[talk]
                self._unlisted.discard(talk)
        self._forget(gone)

    def _write(self) -> None:
        if self._file is None:
            return
        files.write(self._file, json.dumps(self._kept, indent=1))


def _hash(browser: str) -> str:
    return hashlib.sha256(browser.encode()).hexdigest()[:32]
