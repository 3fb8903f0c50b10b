"""What is in a data set: faces, people, emotions and action units, counted as samples pass and held against what is
published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from facevlm.data.readers.reading import Expected
from facevlm.data.sample import Sample
from facevlm.types import EMOTIONS


@dataclass
class Counts:
    """Running counts of samples; None among `splits` are those without one."""

    samples: int = 0
    splits: Counter[str | None] = field(default_factory=Counter)
    emotions: Counter[str] = field(default_factory=Counter)
    compounds: Counter[str] = field(default_factory=Counter)
    coded: Counter[int] = field(default_factory=Counter)
    present: Counter[int] = field(default_factory=Counter)
    groups: set[str] = field(default_factory=set)

    def add(self, sample: Sample) -> None:
        """Count one sample."""
        self.samples += 1
        self.splits[sample.split] += 1
        if sample.emotion is not None:
            self.emotions[sample.emotion] += 1
        if sample.compound is not None:
            self.compounds[sample.compound] += 1
        if sample.group is not None:
            self.groups.add(sample.group)
        for unit, label in (sample.aus or {}).items():
            self.coded[unit] += 1
            self.present[unit] += label.present


def counted(samples: Iterable[Sample], counts: Counts, tick: Callable[[], None]) -> Iterator[Sample]:
    """The same samples, counted as they pass."""
    for sample in samples:
        counts.add(sample)
        tick()
        yield sample


def report(counts: Counts, expected: Expected) -> list[str]:
    """Lines that say what was found, beside what is published where something is."""
    emotions: dict[str, int] = {emotion: counts.emotions[emotion] for emotion in EMOTIONS if counts.emotions[emotion]}
    units = {str(unit): f"{counts.present[unit]:,}/{counts.coded[unit]:,}" for unit in sorted(counts.coded)}
    lines = [
        _beside("faces", counts.samples, expected.samples),
        _beside("with an emotion", counts.emotions.total(), expected.labelled),
        _beside("people", len(counts.groups), expected.groups),
        _listed("splits", {name or "none": number for name, number in counts.splits.items()}),
        _listed("emotions", emotions),
        _listed("compounds", dict(sorted(counts.compounds.items()))),
        _listed("AUs, present of coded", units),
    ]
    return [line for line in lines if line]


def _beside(what: str, found: int, published: int | None) -> str:
    if published is None:
        return f"{what}: {found:,}" if found else ""
    return f"{what}: {found:,}, published {published:,}{'' if found == published else ', they differ'}"


def _listed(what: str, numbers: Mapping[str, int] | Mapping[str, str]) -> str:
    told = (f"{name} {number:,}" if isinstance(number, int) else f"{name} {number}" for name, number in numbers.items())
    return f"{what}: {' · '.join(told)}" if numbers else ""
