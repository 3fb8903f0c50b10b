"""Emotion words in an open vocabulary, against a reference set: words of one group of an emotion wheel count as one.

A small vocabulary of our own ships as `vocabulary.yaml`. The five wheels of the MER challenges are read from a copy of
their tables, `load(folder)`; figures of different vocabularies cannot be compared.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from facevlm.errors import InputError, PrerequisiteError
from facevlm.evaluation.metrics.measure import Measure, Rows, aligned, average, divided, known_mean, tally, together
from facevlm.types import Value


class Vocabulary(Value):
    """The group of every known word, wheel by wheel."""

    name: str
    wheels: dict[str, dict[str, str]]

    def groups(self, wheel: str, words: Collection[str]) -> frozenset[str]:
        """The groups of words on a wheel; a word that is not known has none."""
        known = self.wheels[wheel]
        return frozenset(known[word] for each in words if (word := _plain(each)) in known)


def overlap(told: Sequence[Collection[str]], true: Sequence[Collection[str]], vocabulary: Vocabulary) -> Measure:
    """«precision» and «recall» of the groups told, averaged over samples, «F» of these two averages, all averaged over
    the wheels; and «labels», how many words are told of a sample (AffectGPT, ICML 2025, arXiv 2501.16566: F is not the
    mean of the samples' F).

    A sample of whose reference a wheel knows no word does not count on that wheel; where it knows none of the answer's,
    both are 0. Words outside the vocabulary are neither right nor wrong, so they only show in «labels».
    """
    aligned(told=told, true=true)
    pairs = list(zip(told, true, strict=True))
    wheels = [[_set_rows(vocabulary, wheel, *pair) for pair in pairs] for wheel in vocabulary.wheels]
    rows = np.array(wheels, np.float64).reshape(len(wheels), len(told), 3)
    counted = int(rows[:, :, 2].any(0).sum())

    def score(sums: Rows) -> Rows:
        right, found, count = np.moveaxis(sums.reshape(len(sums), len(wheels), 3), -1, 0)
        precision, recall = divided(right, count), divided(found, count)
        f = np.where(precision + recall == 0, 0, divided(2 * precision * recall, precision + recall))
        return np.stack([known_mean(np.where(count > 0, each, np.nan)) for each in (precision, recall, f)], 1)

    sets = tally(np.moveaxis(rows, 0, 1).reshape(len(told), -1), score, n=counted, of=("precision", "recall", "F"))
    size = average([float(len(set(each))) for each in told])
    return Measure(
        lambda weights: np.column_stack([sets.at(weights), size.at(weights)]),
        len(told),
        counted,
        (*sets.of, "labels"),
        notes=_left_out(len(told) - counted),
        counts=(counted, counted, counted, size.n),
    )


def hits(told: Sequence[Collection[str]], true: Sequence[str], vocabulary: Vocabulary) -> Measure:
    """«hit», how often the one true word's group is among those told, averaged over the wheels (AffectGPT, ICML 2025),
    and «labels», how many words are told: more of them hit more easily."""
    aligned(told=told, true=true)
    pairs = list(zip(told, true, strict=True))
    each = [[_hit(vocabulary, wheel, *pair) for pair in pairs] for wheel in vocabulary.wheels]
    hit = average(known_mean(np.array(each, np.float64).reshape(len(each), len(told)).T))
    return together({"hit": hit, "labels": average([float(len(set(words))) for words in told])})


def load(folder: Path | None = None) -> Vocabulary:
    """The vocabulary that ships, or that of a folder with `wheel1.xlsx` …, `synonym.xlsx` and `format.csv` as MERTools
    has them.

    Raises:
        InputError: a table is missing or is not like that.
        PrerequisiteError: openpyxl is missing, which reads them.
    """
    return _shipped() if folder is None else Vocabulary(name=str(folder), wheels=_wheels(folder))


def _set_rows(vocabulary: Vocabulary, wheel: str, told: Collection[str], true: Collection[str]) -> tuple[float, ...]:
    """What one sample adds on one wheel: its precision, its recall, and whether it counts."""
    mine, theirs = vocabulary.groups(wheel, told), vocabulary.groups(wheel, true)
    both = len(mine & theirs)
    return (both / max(len(mine), 1), both / len(theirs), 1.0) if theirs else (0.0, 0.0, 0.0)


def _hit(vocabulary: Vocabulary, wheel: str, told: Collection[str], true: str) -> float:
    wanted = vocabulary.groups(wheel, [true])
    return float(wanted <= vocabulary.groups(wheel, told)) if wanted else np.nan


def _left_out(samples: int) -> tuple[str, ...]:
    return (f"{samples} samples without a known word in the reference are left out",) if samples else ()


def _shipped() -> Vocabulary:
    file = Path(__file__).parent / "vocabulary.yaml"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    families = content["families"]
    wheels = {
        name: {word: group for group, of in wheel["groups"].items() for family in of for word in families[family]}
        for name, wheel in content["wheels"].items()
    }
    return Vocabulary(name="facevlm", wheels=wheels)


def _wheels(folder: Path) -> dict[str, dict[str, str]]:
    """Every form of every word on every wheel, as the challenge resolves what is ambiguous: first in the alphabet."""
    inner = {file.stem: _inner(file) for file in sorted(folder.glob("wheel*.xlsx"))}
    if not inner:
        raise InputError(f"{folder}: no wheel1.xlsx …; give the folder emotion_wheel of MERTools")
    synonyms, forms = _synonyms(folder / "synonym.xlsx"), _forms(folder / "format.csv")
    meant = {form: sorted(of for word in words for of in synonyms.get(word, ())) for form, words in forms.items()}
    return {
        wheel: {form: group for form, words in meant.items() if (group := _first(words, groups)) is not None}
        for wheel, groups in inner.items()
    }


def _first(words: Sequence[str], groups: dict[str, str]) -> str | None:
    return next((groups[word] for word in words if word in groups), None)


def _inner(file: Path) -> dict[str, str]:
    """The innermost label of each word of a wheel; an empty cell repeats the one above it."""
    groups: dict[str, str] = {}
    above = [""] * 3
    for row in _table(file, ("level1", "level2", "level3")):
        above = [_plain(cell) if cell else last for cell, last in zip(row, above, strict=True)]
        groups |= dict.fromkeys(above, above[0])
    return groups


def _synonyms(file: Path) -> dict[str, set[str]]:
    """The wheels' words each word stands for, over all columns `word_…` and `synonym_…`."""
    stands: dict[str, set[str]] = {}
    runs = [name.removeprefix("word_") for name in _columns(file) if name.startswith("word_")]
    for run in runs:
        for word, others in _table(file, (f"word_{run}", f"synonym_{run}")):
            for each in (word, *str(others or "").split(",")):
                stands.setdefault(_plain(each), set()).add(_plain(word))
    return stands


def _forms(file: Path) -> dict[str, set[str]]:
    """The words each form may be of."""
    forms: dict[str, set[str]] = {}
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            for row in csv.DictReader(lines):
                for form in (row["name"], *row["format"].split(",")):
                    forms.setdefault(_plain(form), set()).add(_plain(row["name"]))
    except (OSError, KeyError, AttributeError, UnicodeDecodeError):
        raise InputError(f"{file}: no table of the columns name and format; give MERTools' own") from None
    return forms


def _columns(file: Path) -> list[str]:
    return [str(name) for name in next(_cells(file), ())]


def _table(file: Path, columns: Sequence[str]) -> Iterator[list[Any]]:
    """Some columns of a table, row by row."""
    cells = _cells(file)
    head = [str(name) for name in next(cells, ())]
    missing = [name for name in columns if name not in head]
    if missing:
        raise InputError(f"{file}: no column {missing[0]}; give MERTools' own table")
    places = [head.index(name) for name in columns]
    yield from ([row[place] for place in places] for row in cells if any(row))


def _cells(file: Path) -> Iterator[tuple[Any, ...]]:
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise PrerequisiteError("reading .xlsx needs openpyxl; install it: pip install 'facevlm[eval]'") from None
    try:
        book = load_workbook(file, read_only=True)
    except Exception as error:  # openpyxl raises what zip and XML do
        raise InputError(f"{file}: no Excel table ({error}); give MERTools' own") from None
    yield from book.worksheets[0].iter_rows(values_only=True)


def _plain(word: Any) -> str:
    return str(word).strip(" \t\r\n[]'\"").lower()
