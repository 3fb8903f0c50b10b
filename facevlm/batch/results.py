"""The file of results: one whole line for each `custom_id`, added as requests finish, and never a second one.

A run that is killed at any moment leaves at most its last line cut short, which the next run takes back.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, ValidationError

from facevlm import files
from facevlm.completions import ChatCompletion
from facevlm.errors import InputError

SYNC_SECONDS = 5.0  # what a power cut may cost; what a kill may cost is nothing
_START = b'{"id":"batch_req_'


class Result(NamedTuple):
    """The answer to one line, as a line of the output without its end."""

    custom_id: str
    status: int
    text: str
    why: str = ""  # what went wrong

    @property
    def failed(self) -> bool:
        """Whether the model is at fault, so that asking again may help."""
        return self.status == 429 or self.status >= 500


class _Error(BaseModel):
    code: str
    message: str


class _ErrorBody(BaseModel):
    error: _Error


class _Response(BaseModel):
    status_code: int
    request_id: str
    body: ChatCompletion | _ErrorBody


class _Written(BaseModel):
    id: str
    custom_id: str
    response: _Response
    error: _Error | None = None


class _Status(BaseModel):
    status_code: int


class _Found(BaseModel):
    """As much of a result as a second run needs to know."""

    custom_id: str
    response: _Status


def answered(custom_id: str, completion: ChatCompletion) -> Result:
    """The result of a request that was answered."""
    return Result(custom_id, 200, _line(custom_id, 200, completion, None))


def refused(custom_id: str, status: int, code: str, message: str) -> Result:
    """The result of a request that was not; as OpenAI's, the error stands in the body too."""
    error = _Error(code=code, message=message)
    return Result(custom_id, status, _line(custom_id, status, _ErrorBody(error=error), error), message)


def _line(custom_id: str, status: int, body: ChatCompletion | _ErrorBody, error: _Error | None) -> str:
    name = uuid.uuid4().hex
    response = _Response(status_code=status, request_id=f"req_{name}", body=body)
    return _Written(id=f"batch_req_{name}", custom_id=custom_id, response=response, error=error).model_dump_json()


@dataclass
class Counts:
    """How it stands with the lines of the input."""

    answered: int = 0
    at_fault: int = 0  # lines that cannot be asked
    failed: int = 0  # lines on which the model failed
    there: int = 0  # of all these, those that a run before has done
    twice: int = 0  # lines left out because their custom_id was there before
    first_twice: int = 0  # the number of the first of them
    strange: int = 0  # results in the output that no line of the input asks for

    @property
    def done(self) -> int:
        """Lines that have their result."""
        return self.answered + self.at_fault + self.failed

    @property
    def exit_status(self) -> int:
        """0 all answered, 2 lines were at fault, 4 the model failed on some."""
        return 4 if self.failed else 2 if self.at_fault or self.twice else 0


class Results:
    """Results in a JSON-lines file, open for adding and locked against a second run.

    Args:
        path: the file; it is made if it is not there.
        retry: take out the results on which the model failed, so that they are asked for again.

    Raises:
        InputError: it cannot be read or written, is in use, or holds something else.
    """

    def __init__(self, path: Path, retry: bool = False) -> None:
        self.path = path
        self.counts = Counts()
        self.cut = 0  # bytes of a last line that a run before could not finish
        self._kept: set[bytes] = set()  # hashes of ids with a result that the input has not asked for yet
        self._met: set[bytes] = set()  # … and of those that it has
        self._faults: dict[bytes, int] = {}
        self._synced = time.monotonic()
        try:
            if path.exists() and not path.is_file():
                raise InputError(f"{path}: cannot be written (no regular file); give another for the results")
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = files.locked(path)
            self._repair()
            if retry:
                self._forget_failures()
        except OSError as error:
            raise self._failure(error) from None

    def claim(self, custom_id: str, number: int) -> Literal["new", "there", "twice"]:
        """Whether the line of this number is the first to bear its id, and whether it has its result already."""
        key = _key(custom_id)
        if key in self._met:
            self.counts.twice += 1
            self.counts.first_twice = self.counts.first_twice or number
            return "twice"
        self._met.add(key)
        if key not in self._kept:
            return "new"
        self._kept.remove(key)
        self.counts.there += 1
        self._count(self._faults.get(key, 200))
        return "there"

    def add(self, result: Result) -> None:
        """Append one line, whole. Raises InputError where the disk does not take it."""
        try:
            files.append(self._file, result.text.encode() + b"\n")
            if time.monotonic() - self._synced > SYNC_SECONDS:
                self._sync()
        except OSError as error:
            raise self._failure(error) from None
        self._count(result.status)

    def close(self) -> None:
        """Put everything on the disk and let go of the lock."""
        self._sync()
        self._file.close()

    def finish(self) -> None:
        """Call when the input has been read to its end: what is then unasked for belongs to another."""
        self.counts.strange = len(self._kept)

    def _count(self, status: int) -> None:
        if status == 200:
            self.counts.answered += 1
        elif status == 429 or status >= 500:
            self.counts.failed += 1
        else:
            self.counts.at_fault += 1

    def _sync(self) -> None:
        os.fsync(self._file.fileno())
        self._synced = time.monotonic()

    def _repair(self) -> None:
        """Learn what is there, and take back a last line without its end: a run was killed while writing it."""
        end = 0
        for line, found in self._lines():
            key = _key(found.custom_id)
            self._kept.add(key)
            if found.response.status_code != 200:
                self._faults[key] = found.response.status_code
            end += len(line)
        self.cut = self._file.seek(0, os.SEEK_END) - end
        self._file.truncate(end)

    def _lines(self) -> Iterator[tuple[bytes, _Found]]:
        """Every whole line. Raises InputError where one is no result: the file is somebody else's."""
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.endswith(b"\n"):
                    yield line, self._found(line, number)
                elif not line.startswith(_START[: len(line)]):
                    raise self._foreign(number)

    def _found(self, line: bytes, number: int) -> _Found:
        try:
            return _Found.model_validate_json(line)
        except ValidationError:
            raise self._foreign(number) from None

    def _foreign(self, number: int) -> InputError:
        return InputError(f"{self.path}: line {number} is no result of a batch; give another file for the results")

    def _forget_failures(self) -> None:
        """The same file without the results on which the model failed, put in its place at once."""
        failed = {key for key, status in self._faults.items() if status == 429 or status >= 500}
        if not failed:
            return
        partial = self.path.with_name(f"{self.path.name}.partial")
        partial.write_bytes(b"")
        file = files.locked(partial)
        for line, found in self._lines():
            if _key(found.custom_id) not in failed:
                files.append(file, line)
        os.fsync(file.fileno())
        partial.replace(self.path)
        self._before, self._file = self._file, file  # its lock is kept: a run that has just opened it must not go on
        self._kept -= failed

    def _failure(self, error: OSError) -> InputError:
        reason = error.strerror or error
        return InputError(f"{self.path}: cannot be written ({reason}); free space or give another file, then run again")


def _key(custom_id: str) -> bytes:
    """An id in 16 bytes: those of ten million lines then fit into a gigabyte, and no two are the same."""
    return blake2b(custom_id.encode(), digest_size=16).digest()
