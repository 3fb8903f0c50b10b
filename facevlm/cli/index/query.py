"""`facevlm index query`: the faces of an index nearest to those of an image, or to a text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from facevlm.cli import options, printing
from facevlm.cli.ending import say
from facevlm.errors import InputError

if TYPE_CHECKING:
    from facevlm.matching.index import Index, Neighbour
    from facevlm.matching.matcher import Matcher
    from facevlm.types import Face

EXAMPLES = options.examples(
    "facevlm index query photo.jpg --index faces.index",
    "facevlm index query photo.jpg --index faces.index --face 2 --k 10 --format json",
    'facevlm index query --index faces.index --text "left lip corner raised"',
)
_COLUMNS = ("alike", "label", "picture", "face")

Form = Literal["table", "json"]


def query(
    index: Annotated[Path, options.option("--index", "Folder that `facevlm index build` made.")],
    image: Annotated[str | None, typer.Argument(metavar="IMAGE", help="A photograph.", show_default=False)] = None,
    text: Annotated[str | None, options.option("--text", "What the faces are to show, instead of an image.")] = None,
    k: Annotated[int, options.option("--k -k", "How many of the nearest faces.", min=1)] = 5,
    face: Annotated[
        int | None, options.option("--face", "Number of one face of the image.", min=1, show_default="every face")
    ] = None,
    format: Annotated[Form, options.option("--format -f", "How the result is printed.")] = "table",
    threads: options.ThreadsOption = None,
) -> None:
    """Find the faces of an index whose expression is nearest to that of a face, or fits a text.

    What counts as alike is the expression, not who shows it.
    """
    from facevlm.matching.index import Index

    if (image is None) == (text is None):
        raise InputError("index query: give an image or --text, and only one of them")
    opened = Index(index)
    matcher = opened.matcher(options.settings(threads=threads).threads)
    if image is not None:
        _print_faces(image, _nearest(image, face, k, opened, matcher), format)
    elif text is not None:
        _print_text(text, opened.fitting(matcher, text, k), format)


def _nearest(
    image: str, wanted: int | None, k: int, index: Index, matcher: Matcher
) -> list[tuple[Face, tuple[Neighbour, ...]]]:
    """Each face of an image, or the one that is wanted, with those nearest to it."""
    from facevlm.reasoning.seeing import find

    found = find(image)
    faces = [face for face in found.faces if wanted in (None, face.id)]
    if not found.faces:
        say(f"{image}: no face found")
    elif not faces:
        raise InputError(f"--face {wanted}: {image} has {_faces(len(found.faces))}")
    vectors = matcher.faces([matcher.crop(found.picture.image, face) for face in faces])
    return [(face, index.nearest(vector, k)) for face, vector in zip(faces, vectors, strict=True)]


def _faces(many: int) -> str:
    return "one face; leave the option out" if many == 1 else f"{many} faces; give a number from 1 to {many}"


def _print_faces(image: str, found: list[tuple[Face, tuple[Neighbour, ...]]], form: Form) -> None:
    if form == "table":
        for face, near in found:
            _print_table(f"{image}, face {face.id}", near)
        return
    faces = [{"id": face.id, "box": face.box.model_dump(), "nearest": _rows(near)} for face, near in found]
    typer.echo(json.dumps({"image": image, "faces": faces}, ensure_ascii=False, indent=2))


def _print_text(text: str, near: tuple[Neighbour, ...], form: Form) -> None:
    if form == "table":
        _print_table(text, near)
    else:
        typer.echo(json.dumps({"text": text, "nearest": _rows(near)}, ensure_ascii=False, indent=2))


def _rows(near: tuple[Neighbour, ...]) -> list[dict[str, Any]]:
    return [each.entry.model_dump(exclude={"units"}) | {"likeness": each.likeness} for each in near]


def _print_table(title: str, near: tuple[Neighbour, ...]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(*_COLUMNS, title=Text(title, style="bold"), title_justify="left")
    for each in near:
        entry = each.entry
        cells = (f"{each.likeness:.3f}", entry.label or "–", entry.picture, str(entry.face))
        table.add_row(*map(Text, cells))
    printing.show(table)
