"""`facevlm data convert`: what it prints, where, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from facevlm.data.readers import READERS
from facevlm.data.sample import Sample, read_samples, write_samples
from tests.cli.conftest import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    for name in ("happiness/a", "happiness/b", "fear/c", "bliss/d"):
        file = folder / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 20)).save(file)
    return folder


def test_a_data_set_becomes_samples_and_stdout_is_the_file(facevlm: Run, pictures: Path, tmp_path: Path) -> None:
    done = facevlm("data", "convert", pictures, tmp_path / "out", "--from", "own")
    assert (done.status, done.out) == (0, f"{tmp_path / 'out' / 'train.jsonl'}\n")
    samples, rejected = read_samples(tmp_path / "out" / "train.jsonl")
    assert (len(samples), rejected) == (3, [])
    assert done.complaints == [
        "facevlm: faces: 3",
        "facevlm: with an emotion: 3",
        "facevlm: splits: train 3",
        "facevlm: emotions: happiness 2 · fear 1",
        f"facevlm: {pictures / 'bliss' / 'd.png'}: label 'bliss' is unknown; use one of neutral, happiness, surprise, "
        "sadness, anger, disgust, fear, contempt",
        "facevlm: rows rejected: 1",
        "facevlm: rows written: 3",
    ]


def test_samples_of_another_split_are_left_out(facevlm: Run, pictures: Path, tmp_path: Path) -> None:
    faces = [
        Sample(id=split, source="made", image="happiness/a.png", split=split, emotion="happiness")
        for split in ("train", "test")
    ]
    write_samples(pictures / "faces.jsonl", faces)
    done = facevlm("data", "convert", pictures / "faces.jsonl", tmp_path / "out", "--to", "trl")
    assert done.status == 0 and "samples of another split, left out: 1" in done.err
    assert "facevlm: faces: 1" in done.complaints  # beside nothing: nobody published them
    (row,) = (json.loads(line) for line in (tmp_path / "out" / "train.jsonl").read_text().splitlines())
    assert row["images"] == [str(pictures / "happiness" / "a.png")]


def test_a_limit_ends_the_reading(facevlm: Run, pictures: Path, tmp_path: Path) -> None:
    facevlm("data", "convert", pictures, tmp_path / "out", "--from", "own", "--limit", "2")
    assert len(read_samples(tmp_path / "out" / "train.jsonl")[0]) == 2


def test_the_help_names_every_reader(facevlm: Run) -> None:
    told = " ".join(facevlm("data", "convert", "--help").out.replace("│", " ").split())
    assert all(name in told for name in READERS)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--from", "imagenet"), "--from imagenet: no reader is called so; use one of samples, ferplus"),
        (("--from", "rafdb"), "RAF-DB needs it"),
        (("--from", "own", "--split", "test", "--to", "parquet"), "parquet"),
        ((), "say what it is with --from"),
    ],
)
def test_a_wrong_word_is_one_line_and_status_2(
    facevlm: Run, pictures: Path, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    done = facevlm("data", "convert", pictures, tmp_path / "out", *words)
    assert (done.status, done.out, len(done.complaints)) == (2, "", 1)
    assert told in done.err
    assert not (tmp_path / "out").exists()


def test_a_missing_source_is_one_line_and_status_2(facevlm: Run, tmp_path: Path) -> None:
    done = facevlm("data", "convert", tmp_path / "none", tmp_path / "out", "--from", "bp4d")
    assert (done.status, len(done.complaints)) == (2, 1)
    assert f"{tmp_path / 'none'}: there is no such folder or file" in done.err


def test_the_source_is_not_written_over(facevlm: Run, pictures: Path) -> None:
    write_samples(pictures / "train.jsonl", [Sample(id="a", source="made", image="happiness/a.png")])
    done = facevlm("data", "convert", pictures / "train.jsonl", pictures)
    assert done.status == 2 and "would write over" in done.err
