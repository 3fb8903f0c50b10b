"""Conversations and their pictures in SQLite: in memory until they are kept, then in the store's file.

What was said is in the checkpoints of the graph, in the same two places.
"""

from __future__ import annotations

import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from facevlm.agent.values import Conversation
from facevlm.errors import InputError
from facevlm.faces.decode import Named
from facevlm.types import Analysis

_TABLES = """
create table if not exists conversations (id text primary key, title text, created real, updated real);
create table if not exists pictures
  (id text primary key, conversation text, name text, data blob, analysis text, added real);
create index if not exists pictures_of on pictures (conversation);
"""
_CHECKPOINTS = ("checkpoints", "writes")


class Store:
    """Two shelves: one in memory, and one in a file where there is one.

    Raises:
        InputError: the file cannot be opened as a store.
    """

    def __init__(self, file: Path | None) -> None:
        from langgraph.checkpoint.sqlite import SqliteSaver

        self._lock = threading.RLock()
        self._shelves = [_opened(":memory:"), *([_opened(str(file))] if file else [])]
        self.savers = [SqliteSaver(shelf) for shelf in self._shelves]
        for saver in self.savers:
            saver.lock = self._lock  # type: ignore[assignment]  # one connection, one lock
            saver.setup()

    def start(self, title: str, *, keep: bool) -> str:
        """The id of a new conversation. Raises InputError where it shall be kept and there is no file."""
        if keep:
            self._check_file()
        identity, now = uuid.uuid4().hex[:12], time.time()
        with self._on(1 if keep else 0) as shelf:
            shelf.execute("insert into conversations values (?, ?, ?, ?)", (identity, title, now, now))
        return identity

    def conversations(self) -> list[Conversation]:
        """All of both shelves, the one last spoken in first."""
        found = [each for place in range(len(self._shelves)) for each in self._listed(place)]
        return sorted(found, key=lambda each: -each.updated)

    def place(self, conversation: str) -> int:
        """The shelf that a conversation is on. Raises InputError where it is on none."""
        with self._lock:  # or it might be moved between the two looks
            for number in reversed(range(len(self._shelves))):
                if self._holds(number, conversation):
                    return number
        raise InputError(f"{conversation}: there is no such conversation; list them, or start one")

    def touch(self, conversation: str, title: str | None = None) -> None:
        """It was spoken in now; `title` is taken where it has none."""
        with self._on(self.place(conversation)) as shelf:
            shelf.execute("update conversations set updated = ? where id = ?", (time.time(), conversation))
            shelf.execute("update conversations set title = ? where id = ? and title = ''", (title or "", conversation))

    def rename(self, conversation: str, title: str) -> None:
        """Gives a conversation another title."""
        with self._on(self.place(conversation)) as shelf:
            shelf.execute("update conversations set title = ? where id = ?", (title, conversation))

    def delete(self, conversation: str) -> None:
        """Forgets a conversation, its pictures and all that was said."""
        self._forget(self.place(conversation), conversation)

    def sweep(self, conversation: str) -> None:
        """Forgets what was still written of a conversation after it was deleted; one that is there stays."""
        with self._lock:
            for number in range(len(self._shelves)):
                if not self._holds(number, conversation):
                    self._forget(number, conversation)

    def keep(self, conversation: str) -> None:
        """Moves a conversation to the file. Raises InputError where there is no file."""
        self._check_file()
        if self.place(conversation) == 0:
            self._move(conversation)

    def gather(self, conversation: str) -> None:
        """Moves to the file what was still written in memory of a conversation after it was kept."""
        if self.place(conversation) == 1:
            self._move(conversation)

    def add_picture(self, conversation: str, name: str, data: bytes) -> str:
        """The id of a new picture."""
        identity = uuid.uuid4().hex[:12]
        with self._on(self.place(conversation)) as shelf:
            row = (identity, conversation, name, data, None, time.time())
            shelf.execute("insert into pictures values (?, ?, ?, ?, ?, ?)", row)
        return identity

    def drop_picture(self, picture: str) -> None:
        """Forgets a picture that could not be read."""
        for number in range(len(self._shelves)):
            with self._on(number) as shelf:
                shelf.execute("delete from pictures where id = ?", (picture,))

    def prune(self, conversation: str) -> None:
        """Leaves of the states of a conversation the last alone: each holds all that was said."""
        last = "(select max(checkpoint_id) from checkpoints where thread_id = ?1)"
        with self._on(self.place(conversation)) as shelf:
            for table in reversed(_CHECKPOINTS):
                shelf.execute(f"delete from {table} where thread_id = ?1 and checkpoint_id < {last}", (conversation,))

    def explain(self, picture: str, analysis: Analysis) -> None:
        """Keeps what a model said of a picture."""
        for number in range(len(self._shelves)):
            with self._on(number) as shelf:
                told = (analysis.model_dump_json(), picture)
                shelf.execute("update pictures set analysis = ? where id = ? and analysis is null", told)

    def picture(self, picture: str) -> tuple[Named, Analysis | None]:
        """A picture's bytes with their name, and what was said of it. Raises InputError where there is none."""
        for number in range(len(self._shelves)):
            with self._on(number) as shelf:
                row = shelf.execute("select data, name, analysis from pictures where id = ?", (picture,)).fetchone()
            if row:
                return Named(row[0], row[1]), Analysis.model_validate_json(row[2]) if row[2] else None
        raise InputError(f"{picture}: there is no such picture; it may have been deleted with its conversation")

    def close(self) -> None:
        """Closes the files; the store is of no use after it."""
        with self._lock:
            for shelf in self._shelves:
                shelf.close()

    def _check_file(self) -> None:
        if len(self._shelves) < 2:
            raise InputError("conversations are not kept here; give a file to keep them in (--store)")

    def _holds(self, number: int, conversation: str) -> bool:
        with self._on(number) as shelf:
            found = shelf.execute("select 1 from conversations where id = ?", (conversation,)).fetchone()
        return found is not None

    def _forget(self, number: int, conversation: str) -> None:
        with self._on(number) as shelf:
            self._clear(shelf, conversation)
        with self._lock:
            self._shelves[number].execute("pragma wal_checkpoint(truncate)")  # the log holds it too

    def _listed(self, number: int) -> Iterator[Conversation]:
        with self._on(number) as shelf:
            rows = shelf.execute("select id, title, created, updated from conversations").fetchall()
            for identity, title, created, updated in rows:
                query = "select id from pictures where conversation = ? order by added"
                pictures = tuple(row[0] for row in shelf.execute(query, (identity,)))
                yield Conversation(
                    id=identity, title=title, created=created, updated=updated, kept=number == 1, pictures=pictures
                )

    def _move(self, conversation: str) -> None:
        with self._lock:
            for table, column in _PARTS.items():
                query = f"select * from {table} where {column} = ?"
                rows = self._shelves[0].execute(query, (conversation,)).fetchall()
                self._insert(table, rows)
            self._shelves[1].commit()
            self._clear(self._shelves[0], conversation)
            self._shelves[0].commit()

    def _insert(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            places = ", ".join("?" * len(rows[0]))
            self._shelves[1].executemany(f"insert or replace into {table} values ({places})", rows)

    def _clear(self, shelf: sqlite3.Connection, conversation: str) -> None:
        for table, column in _PARTS.items():
            shelf.execute(f"delete from {table} where {column} = ?", (conversation,))

    @contextmanager
    def _on(self, number: int) -> Iterator[sqlite3.Connection]:
        with self._lock, self._shelves[number] as shelf:
            yield shelf


_PARTS = {"conversations": "id", "pictures": "conversation"} | dict.fromkeys(_CHECKPOINTS, "thread_id")


def _opened(file: str) -> sqlite3.Connection:
    try:
        if file != ":memory:":
            Path(file).parent.mkdir(parents=True, exist_ok=True)
        shelf = sqlite3.connect(file, check_same_thread=False)
        shelf.execute("pragma secure_delete = on")
        shelf.executescript(_TABLES)
    except (OSError, sqlite3.Error) as error:
        raise InputError(f"{file}: cannot be used to keep conversations ({error}); name another file") from None
    return shelf
