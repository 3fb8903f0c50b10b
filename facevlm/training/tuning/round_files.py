"""What a round reads and writes: pictures by their paths, and one line of JSON a picture with all that came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from facevlm.data.sample import reason
from facevlm.errors import InputError
from facevlm.faces.decode import SUFFIXES
from facevlm.files import mend
from facevlm.training.tuning.keeping import Judged
from facevlm.types import Emotion, Value


class Unlabelled(BaseModel):
    """A picture by its path, relative to its list; a label that is known is held beside the answers, never shown."""

    model_config = ConfigDict(frozen=True)

    image: str
    emotion: Emotion | None = None


class Exchange(Value):
    """What a model was asked and answered: turns as role and words, pictures as files of the round's folder."""

    prompt: tuple[tuple[Literal["system", "user", "assistant"], str], ...]
    images: tuple[str, ...]
    answer: str


class Annotation(Value):
    """All that came of one picture: its faces, and the exchanges that are kept."""

    image: str
    faces: tuple[Judged, ...] = ()
    kept: tuple[Exchange, ...] = ()
    error: str | None = None


def listed(source: Path) -> tuple[Path, list[Unlabelled]]:
    """The pictures of a folder, or of JSON lines `{"image": …}`, and the folder that they are relative to.

    Raises:
        InputError: there are none, or a line names none.
    """
    if source.is_dir():
        files = sorted(file for file in source.rglob("*") if file.suffix.lower() in SUFFIXES)
        root, found = source, [Unlabelled(image=str(file.relative_to(source))) for file in files]
    else:
        root, found = source.parent, _lines(source)
    if not found:
        raise InputError(f"{source}: names no pictures; give a folder of them, or JSON lines with «image»")
    return root, found


def done(file: Path) -> list[Annotation]:
    """The annotations written so far; a last line that was cut short is taken back.

    Raises:
        InputError: another line is none.
    """
    if not file.is_file():
        return []
    mend(file)
    try:
        return [Annotation.model_validate_json(line) for line in file.read_bytes().splitlines()]
    except ValidationError as error:
        raise InputError(f"{file}: not the annotations of a round ({reason(error)}); give another --out") from None


def add(annotation: Annotation, file: Path) -> None:
    """Append one line, whole.

    Raises:
        InputError: it cannot be written.
    """
    try:
        with file.open("a", encoding="utf-8") as lines:
            lines.write(annotation.model_dump_json() + "\n")
    except OSError as error:
        raise InputError(f"{file}: cannot be written ({error.strerror}); free space, then run again") from None


def _lines(source: Path) -> list[Unlabelled]:
    found = []
    try:
        content = source.read_bytes()
    except OSError as error:
        raise InputError(f"{source}: cannot be read ({error.strerror}); give a folder or JSON lines") from None
    for number, line in enumerate(content.split(b"\n"), start=1):
        try:
            if line.strip():
                found.append(Unlabelled.model_validate_json(line))
        except ValidationError as error:
            raise InputError(f"{source}, row {number}: {reason(error)}; correct it or take it out") from None
    return found
