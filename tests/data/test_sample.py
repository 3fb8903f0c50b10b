from __future__ import annotations

from pathlib import Path

import pytest

from facevlm.data.sample import Sample, UnitLabel, read_samples, write_samples
from facevlm.errors import InputError
from facevlm.types import Box

FULL = Sample(
    id="a",
    source="made",
    image="pictures/a.png",
    box=Box(x=1, y=2, width=30.5, height=40),
    split="train",
    emotion="fear",
    distribution={"fear": 0.75, "surprise": 0.25},
    compound="fearfully surprised",
    aus={1: UnitLabel(present=True, intensity="C", side="left"), 12: UnitLabel(present=False)},
    group="person 1",
    question="What shows?",
    text="The brows are «raised».",
    details={"votes": [1, None], "camera": None},
)
BARE = Sample(id="b", source="made", image="b.png")


def test_what_is_written_is_read_back_equal(tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    assert write_samples(file, [FULL, BARE]) == 2
    assert read_samples(file) == ([FULL, BARE], [])


def test_what_a_sample_does_not_say_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    write_samples(file, [BARE])
    assert file.read_text() == '{"id":"b","source":"made","image":"b.png"}\n'


def test_rows_that_are_no_samples_are_named_and_the_others_read(tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    write_samples(file, [FULL])
    with file.open("a") as lines:
        lines.write('\n{"id":"c","source":"made","image":"c.png","emotion":"joy"}\n')
        lines.write('{"id":"d","source":"made","image":"d.png","aus":{"3":{"present":true}}}\n')
        lines.write('{"id":"e","source":"ma')  # cut short
    samples, rejected = read_samples(file)
    assert samples == [FULL]
    assert [row.row for row in rejected] == [3, 4, 5]
    assert "emotion: input should be 'neutral'" in rejected[0].reason and "not 'joy'" in rejected[0].reason
    assert rejected[1].reason.startswith("AU 3 is not known here; use one of 1, 2, 4")
    assert rejected[2].reason == "not JSON"


def test_nothing_half_written_is_left_when_a_sample_fails(tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    write_samples(file, [FULL])

    def broken() -> object:
        yield BARE
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_samples(file, broken())  # type: ignore[arg-type]
    assert read_samples(file)[0] == [FULL]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.jsonl: cannot be read \(No such file or directory\)"):
        read_samples(tmp_path / "none.jsonl")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_samples(tmp_path / "no" / "samples.jsonl", [BARE])
