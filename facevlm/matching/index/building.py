"""Builds an index of faces: pictures are looked at one by one, then the vectors of their faces are put in order.

Until it is whole an index lies in INDEX.partial; a run that was cut short goes on there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image
from pydantic import ValidationError

import facevlm
from facevlm import files
from facevlm.errors import InputError
from facevlm.faces.decode import Source
from facevlm.matching.index import cells
from facevlm.matching.index.journal import JOURNAL, Journal, Looked
from facevlm.matching.index.layout import DESCRIPTION, ENTRIES, VECTORS, Description, Entry, beginning, described
from facevlm.matching.matcher import BATCH, Matcher
from facevlm.reasoning.seeing import Found, find
from facevlm.types import AU_CODES, ActionUnit, Box, Face, Value

SAME = 0.35  # intersection over union from which a face found is the one that a box is around
_PLAN = "plan.json"
_EMPTY = 4 * BATCH  # pictures after which a batch is written, however few their faces

Open = Callable[[str], Source]  # from a picture's name to what can be decoded


class Given(NamedTuple):
    """A picture, and the face of it that is wanted: that at the box; else the largest, if labelled; else every one."""

    picture: str  # relative to the folder of pictures
    label: str | None = None
    box: Box | None = None


class Plan(Value):
    """What an index is built of. A run that was cut short goes on only with the same."""

    matcher: str
    checkpoint: str | None = None
    fingerprint: str
    source: str
    labels: str


def build(
    matcher: Matcher,
    plan: Plan,
    given: Iterable[Given],
    opened: Open,
    out: Path,
    tick: Callable[[int], None] = lambda pictures: None,
    tell: Callable[[str], None] = lambda line: None,
) -> Description:
    """Build an index in the folder `out`, or what is missing of it.

    Args:
        matcher: whose space it is in.
        plan: what it is built of.
        given: the pictures and their labels.
        opened: opens a picture.
        out: a folder that is not there yet, or the index that the same plan built.
        tick: is told of how many pictures there are more.
        tell: is told, in a line, of each face or picture that cannot be used.

    Raises:
        InputError: no face could be used, or `out` holds something else or cannot be written.
        PrerequisiteError: faiss is not installed.
    """
    cells.check_installed()
    with _explained(out):
        if out.is_file() or (out.is_dir() and any(out.iterdir())):
            return _there(plan, out)
        work = _claimed(plan, out)
        journal = Journal(work, matcher.dim)
        _look(matcher, _by_picture(given), opened, journal, tick, tell)
        if not journal.faces:
            raise InputError(f"{plan.source}: no face could be used; see what is said of each picture above")
        if journal.faces > cells.EXACT:
            tell(f"{out}: putting {journal.faces:,} faces in order, which takes minutes for a million")
        return _finished(plan, journal, matcher.dim, work, out)


def _by_picture(given: Iterable[Given]) -> dict[str, list[Given]]:
    pictures: dict[str, list[Given]] = {}
    for each in dict.fromkeys(given):
        pictures.setdefault(each.picture, []).append(each)
    return pictures


def _look(
    matcher: Matcher,
    pictures: Mapping[str, Sequence[Given]],
    opened: Open,
    journal: Journal,
    tick: Callable[[int], None],
    tell: Callable[[str], None],
) -> None:
    """Look at every picture that is not done with, a batch at a time."""
    batch: list[Looked] = []
    crops: list[Image.Image] = []
    tick(len(pictures.keys() & journal.done))
    for name in [each for each in pictures if each not in journal.done]:
        looked, small = _looked(matcher, pictures[name], opened)
        for reason in looked.left_out:
            tell(reason)
        batch, crops = [*batch, looked], [*crops, *small]
        if len(crops) >= BATCH or len(batch) >= _EMPTY:
            journal.add(batch, matcher.faces(crops))
            batch, crops = [], []
        tick(1)
    journal.add(batch, matcher.faces(crops))


def _looked(matcher: Matcher, wanted: Sequence[Given], opened: Open) -> tuple[Looked, list[Image.Image]]:
    """What is seen of one picture, and the crops of its faces."""
    name = wanted[0].picture
    try:
        found = find(opened(name))
    except InputError as error:
        return Looked(picture=name, left_out=(str(error) if name in str(error) else f"{name}: {error}",)), []
    chosen = [(each, face) for each in wanted for face in _chosen(found, each)]
    entries = tuple(
        Entry(
            picture=name, sha256=found.picture.sha256, face=face.id, box=face.box, label=each.label, units=_units(face)
        )
        for each, face in chosen
    )
    missed = tuple(_missed(each) for each in wanted if not _chosen(found, each))
    crops = [matcher.crop(found.picture.image, face) for _, face in chosen]
    return Looked(picture=name, faces=entries, left_out=missed), crops


def _units(face: Face) -> tuple[float | None, ...]:
    """What is measured of its action units, left and right of each in turn; one without sides is alike on both."""
    pairs = [_sides(face.action_units[code]) for code in AU_CODES]
    return tuple(None if each is None else round(each, 2) for pair in pairs for each in pair)


def _sides(unit: ActionUnit) -> tuple[float | None, float | None]:
    if unit.left is None or unit.right is None:
        return unit.value, unit.value
    return unit.left, unit.right


def _chosen(found: Found, wanted: Given) -> tuple[Face, ...]:
    if wanted.box is None:
        return found.faces if wanted.label is None else found.faces[:1]
    box = wanted.box
    near = [face for face in found.faces if face.box.iou(box) >= SAME]
    return tuple(sorted(near, key=lambda face: -face.box.iou(box))[:1])


def _missed(wanted: Given) -> str:
    at = "" if wanted.box is None else f" at x {wanted.box.x:.0f}, y {wanted.box.y:.0f}"
    return f"{wanted.picture}: no face found{at}"


def _there(plan: Plan, out: Path) -> Description:
    """The index that is there already. Raises InputError where it is none, or another."""
    try:
        there = described(out)
    except InputError:
        raise InputError(f"{out}: holds something that is no index of faces; give another folder with --out") from None
    if not plan.model_dump().items() <= there.model_dump().items():
        raise InputError(f"{out}: holds an index of other pictures, labels or weights; give another folder with --out")
    return there


def _claimed(plan: Plan, out: Path) -> Path:
    """The folder in which this plan's index is being built."""
    work = beginning(out)
    file = work / _PLAN
    work.mkdir(parents=True, exist_ok=True)
    if not file.is_file():
        files.write(file, f"{plan.model_dump_json(indent=1)}\n")
    try:
        begun = Plan.model_validate_json(file.read_bytes())
    except ValidationError:
        begun = None
    if begun != plan:
        raise InputError(f"{work}: holds the beginning of another index; remove it, or give another folder with --out")
    return work


def _finished(plan: Plan, journal: Journal, dim: int, work: Path, out: Path) -> Description:
    """The index made whole and put in its place."""
    vectors, probes = cells.arranged(journal.vectors())
    cells.write(vectors, work / VECTORS)
    with (work / ENTRIES).open("w", encoding="utf-8") as file:
        file.writelines(f"{each.model_dump_json(exclude_defaults=True)}\n" for each in journal.entries())
    counts: dict[str, Any] = {
        "pictures": len(journal.done),
        "left_out": journal.left_out,
        "faces": journal.faces,
        "labelled": journal.labelled,
    }
    built = Description(facevlm=facevlm.__version__, dim=dim, probes=probes, **counts, **plan.model_dump())
    files.write(work / DESCRIPTION, f"{built.model_dump_json(indent=1)}\n")
    work.rename(out)
    for name in (*JOURNAL, _PLAN):
        (out / name).unlink()
    return built


@contextmanager
def _explained(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or error
        raise InputError(f"{out}: cannot be written ({why}); free space or give another folder with --out") from None
