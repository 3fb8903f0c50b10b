from __future__ import annotations

from facevlm.data.counts import Counts, counted, report
from facevlm.data.readers import Expected
from facevlm.data.sample import Sample, UnitLabel

FACES = [
    Sample(id="a", source="made", image="a.png", split="train", emotion="fear", group="x"),
    Sample(id="b", source="made", image="b.png", split="train", aus={12: UnitLabel(present=True)}, group="x"),
    Sample(id="c", source="made", image="c.png", aus={12: UnitLabel(present=False)}, compound="awed"),
]


def test_what_is_found_stands_beside_what_is_published() -> None:
    counts = Counts()
    assert list(counted(FACES, counts, lambda: None)) == FACES
    assert report(counts, Expected(samples=4, groups=1)) == [
        "faces: 3, published 4, they differ",
        "with an emotion: 1",
        "people: 1, published 1",
        "splits: train 2 · none 1",
        "emotions: fear 1",
        "compounds: awed 1",
        "AUs, present of coded: 12 1/2",
    ]


def test_what_is_not_there_and_not_published_is_not_told() -> None:
    assert report(Counts(), Expected()) == []
