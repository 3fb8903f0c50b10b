"""What a suite asks about: the pictures of a data set with what is true of them, in a fixed order.

A picture with several labelled faces is asked about once. What cannot be used is told with its reason and leaves the
rest alone.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image

from facevlm.data.pictures import open_picture
from facevlm.data.readers import READERS, Expected, Reading, own
from facevlm.data.sample import Sample, UnitLabel, read_samples
from facevlm.data.synth.produce import SAMPLES
from facevlm.errors import InputError
from facevlm.evaluation import shipped
from facevlm.evaluation.rows import FaceTruth, Truth
from facevlm.evaluation.run import DataSet, Lost
from facevlm.evaluation.suite import Suite

NEUTRAL = "samples"  # the reader of the neutral format
_SHOWN = ("own", NEUTRAL)  # data sets whose pictures may stand in a report: a user's own, and rendered ones
_REASONS = 3  # why rows were left out, told where none is left


@dataclass(frozen=True)
class Item:
    """One picture to ask about. `open` gives its RGB pixels and raises InputError where it cannot be read."""

    id: str
    open: Callable[[], Image.Image]
    truth: Truth
    group: dict[str, str] = field(default_factory=dict)
    image: str | None = None  # its path, where it may be shown
    path: Path | None = None  # of its file, where it is one


@dataclass(frozen=True)
class Questions:
    """The pictures of a suite, and what of the data set is left out."""

    data: DataSet
    items: Sequence[Item]
    lost: Sequence[Lost] = ()
    outside: int = 0  # labelled faces whose label the suite does not know
    notices: Sequence[str] = ()


def load(suite: Suite, place: Path | None = None, reader: str | None = None, split: str | None = None) -> Questions:
    """The pictures of a suite, from a data set or from those that need none.

    Args:
        place: folder or file of the data set; None for a suite whose pictures ship.
        reader: which of `facevlm.data.readers` reads it; by default the first of the suite's that can.
        split: by default the suite's.

    Raises:
        InputError: there is no such data set, reader or split, or nothing in it that the suite could ask about.
    """
    if place is not None:
        return _of_data_set(suite, place, reader, split)
    if suite.pictures is not None and suite.pictures.shipped is not None:
        return _shipped(suite.pictures.shipped)
    raise InputError(f"{suite.name}: needs data ({needs(suite)}); give its folder or file with --data")


def needs(suite: Suite) -> str:
    """What data a suite takes, in words."""
    theirs = suite.pictures
    if theirs is not None and theirs.shipped is not None:
        return "none: pictures that ship"
    if theirs is not None and theirs.recipe is not None:
        return f"none, but --rig; or what `facevlm data synth --recipe {theirs.recipe}` made"
    sets = [f"{name} ({split})" for name, split in suite.data.items() if name != "own"]
    return ", ".join([*sets, "faces of your own as JSON lines"] if "own" in suite.data else sets)


def narrowed(questions: Questions, limit: int | None, shuffle: int | None) -> Questions:
    """So many of the pictures, shuffled by a seed first where there is one."""
    items = list(questions.items)
    if shuffle is not None:
        random.Random(shuffle).shuffle(items)
    items = items[:limit]
    return replace(questions, items=items, data=questions.data.model_copy(update={"sha256": digest(items)}))


def _shipped(name: str) -> Questions:
    items = [
        Item(each.id, lambda image=each.image: image, each.truth)  # type: ignore[misc]
        for each in shipped.pictures(name)
    ]
    return Questions(DataSet(name=f"shipped {name}", sha256=digest(items), shown=True), items)


def _of_data_set(suite: Suite, place: Path, reader: str | None, split: str | None) -> Questions:
    if not place.exists():
        raise InputError(f"{place}: there is no such folder or file; check --data")
    reader, split, reading = _opened(suite, place, reader, split)
    samples, twice = _once(reading.samples)
    unread = [Lost(id=f"{Path(each.file).name}:{each.row}", reason=each.reason) for each in reading.rejected]
    lost = [*unread, *twice]
    root = place if place.is_dir() else place.parent
    usable = [sample for sample in samples if _asked_about(suite, sample)]
    items = [_item(group, root, reader) for group in _by_picture(usable)]
    outside = sum(sample.emotion is not None and sample.emotion not in suite.emotions for sample in samples)
    if not items:
        raise InputError(f"{place}: {_nothing(suite, samples, lost)}; check --data")
    data = DataSet(
        name=reader, place=str(place), split=split, sha256=digest(items), shown=reader in _SHOWN,
        note=_differs(samples, reading.expected),
    )  # fmt: skip
    return Questions(data, items, lost, outside, _notices(suite, usable))


def _nothing(suite: Suite, samples: Sequence[Sample], lost: Sequence[Lost]) -> str:
    """That a data set has nothing to ask about, with the first reasons, each once, why rows of it were left out."""
    asked = f"none of its {len(samples):,} samples has what {suite.name} asks about"
    first: dict[str, Lost] = {}
    for each in lost:
        first.setdefault(each.reason, each)
    reasons = " · ".join(f"{each.id}: {each.reason}" for each in list(first.values())[:_REASONS])
    return (asked if samples else "holds no face that can be used") + (f" ({reasons})" if reasons else "")


def _opened(suite: Suite, place: Path, reader: str | None, split: str | None) -> tuple[str, str | None, Reading]:
    """The reader in use, the split and what is read."""
    if reader == NEUTRAL or (reader is None and _is_neutral(place)):
        return NEUTRAL, split, _neutral(place, split)
    names = [reader] if reader else [name for name in suite.data if name in READERS]
    failures: dict[str, InputError] = {}
    for name in names:
        if name not in READERS:
            raise InputError(f"{name}: no reader is called so; use one of {', '.join([NEUTRAL, *READERS])}")
        wanted = split or suite.data.get(name) or "test"
        try:
            return name, wanted, READERS[name](place, wanted)
        except (InputError, OSError) as error:
            failures[name] = error if isinstance(error, InputError) else InputError(f"{place}: {error.strerror}")
    if len(failures) == 1:
        raise failures[names[0]]
    if own.NAME in failures and place.is_file():  # data sets are folders: a file is one's own
        raise failures[own.NAME]
    known = ", ".join(f"{name} ({split or suite.data.get(name) or 'test'})" for name in names)
    raise InputError(f"{place}: holds none of {known}; check --data, or say with --from what it is")


def _is_neutral(place: Path) -> bool:
    if place.is_dir():
        return (place / SAMPLES).is_file()
    if place.suffix != ".jsonl":
        return False
    with place.open("rb") as file:
        first = next((line for line in file if line.strip()), b"")
    return b'"source"' in first


def _neutral(place: Path, split: str | None) -> Reading:
    samples, rejected = read_samples(place / SAMPLES if place.is_dir() else place)
    wanted = [sample for sample in samples if split is None or sample.split == split]
    if samples and not wanted:
        there = ", ".join(sorted({sample.split or "none" for sample in samples}))
        raise InputError(f"{place}: no sample is of split {split!r}; there are {there}")
    return Reading(iter(wanted), Expected(), rejected)


def _once(samples: Iterable[Sample]) -> tuple[list[Sample], list[Lost]]:
    """The samples, the first of those that share an id."""
    kept: dict[str, Sample] = {}
    twice: list[Lost] = []
    for sample in samples:
        if sample.id in kept:
            twice.append(Lost(id=sample.id, reason="another sample before it has this id; give each its own"))
        else:
            kept[sample.id] = sample
    return list(kept.values()), twice


def _asked_about(suite: Suite, sample: Sample) -> bool:
    match suite.task:
        case "emotion":
            return sample.emotion in suite.emotions
        case "units":
            return bool(set(sample.aus or ()) & set(suite.units))
        case "compound":
            return sample.compound is not None
        case "vocabulary":
            return bool(_words(sample))
        case _:
            return True


def _by_picture(samples: Sequence[Sample]) -> list[list[Sample]]:
    """Samples with boxes in one picture together; every other by itself."""
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(sample.image if sample.box else f"\0{sample.id}", []).append(sample)
    return list(groups.values())


def _item(samples: Sequence[Sample], root: Path, reader: str) -> Item:
    first = samples[0]
    alone = len(samples) == 1
    path = None if "#" in first.image else (root / first.image).absolute()
    return Item(
        id=first.id if alone else first.image,
        open=lambda: open_picture(first, root),
        truth=Truth(faces=tuple(map(_face, samples)), count=len(samples) if _complete(samples) else None),
        group=_group(first) if alone else {},
        image=str(path) if path and reader in _SHOWN else None,
        path=path,
    )


def _complete(samples: Sequence[Sample]) -> bool:
    """Whether all faces of the picture are labelled: known of renders alone."""
    return all(sample.source.startswith("synth/") for sample in samples)


def _face(sample: Sample) -> FaceTruth:
    return FaceTruth(
        box=sample.box,
        emotion=sample.emotion,
        votes=sample.distribution,
        units=sample.aus,
        compound=sample.compound,
        text=sample.text,
        labels=_words(sample),
    )


def _words(sample: Sample) -> tuple[str, ...]:
    words = sample.details.get("labels", ())
    return tuple(map(str, words)) if isinstance(words, list | tuple) else ()


def _group(sample: Sample) -> dict[str, str]:
    told = {key: str(value) for key, value in sample.details.items() if isinstance(value, str | int)}
    return told | ({"subject": sample.group} if sample.group is not None else {})


def _notices(suite: Suite, samples: Sequence[Sample]) -> list[str]:
    """Classes that the data set has none of."""
    if suite.task == "emotion":
        lacking = [emotion for emotion in suite.emotions if emotion not in {sample.emotion for sample in samples}]
        return [f"no face is labelled {', '.join(lacking)}: no figures of it"] if lacking else []
    if suite.task == "units":
        positive = {code for sample in samples for code, label in (sample.aus or {}).items() if shows(label, suite)}
        units = [f"AU {code}" for code in suite.units if code not in positive]
        return [f"no face shows {', '.join(units)}: left out of the mean"] if units else []
    return []


def shows(label: UnitLabel, suite: Suite) -> bool:
    """Whether an action unit counts as present: graded as the suite asks, or present and not graded."""
    return label.present and (label.intensity is None or label.intensity >= suite.present_from)


def _differs(samples: Sequence[Sample], expected: Expected) -> str | None:
    """How the number of samples differs from what is published."""
    if expected.samples in (None, len(samples)):
        return None
    return f"{len(samples):,} samples, published {expected.samples:,}"


def digest(items: Iterable[Item]) -> str:
    """sha256 of the names of pictures and of what is true of them, in their order."""
    content = hashlib.sha256()
    for item in items:
        content.update(f"{item.id}\n{item.truth.model_dump_json()}\n".encode())
    return content.hexdigest()
