"""Files that are never left half written: taken in place of another at once, or added to by whole lines; and YAML."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from facevlm.errors import InputError


@contextmanager
def replaced(file: Path) -> Iterator[Path]:
    """Where to write what is to take the file's place; it does so at once, when the block ends without an error."""
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def write(file: Path, content: str | bytes) -> Path:
    """Put a text, in UTF-8, or bytes in the file, whole or not at all, and return the file."""
    with replaced(file) as partial:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def mapping(file: Path, remedy: str) -> dict[str, Any]:
    """Keys and values of a YAML file. Raises InputError with the `remedy` where it is none or cannot be read."""
    import yaml

    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); {remedy}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: not YAML ({str(error).splitlines()[0]}); {remedy}") from None
    if not isinstance(content, dict):
        raise InputError(f"{file}: not a mapping of keys to values; {remedy}")
    return content


def locked(file: Path) -> BinaryIO:
    """The file, open for reading and adding, and no one else's until it is closed. Raises InputError while it is."""
    opened = file.open("ab+", buffering=0)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(opened.fileno()), file.stat()):  # another has just taken its place
            raise BlockingIOError
    except BlockingIOError:
        raise InputError(f"{file}: another run is writing it; wait until it has ended, or stop it") from None
    return opened


def append(opened: BinaryIO, data: bytes) -> None:
    """Add the whole of some lines; a full disk may take the beginning of them before it refuses the rest."""
    while data:
        data = data[opened.write(data) :]


def mend(file: Path) -> None:
    """Take back a last line without its end: a run was killed while writing it."""
    content = file.read_bytes()
    end = content.rfind(b"\n") + 1
    if end < len(content):
        os.truncate(file, end)
