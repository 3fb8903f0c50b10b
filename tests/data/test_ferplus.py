from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facevlm.data import ferplus
from facevlm.errors import InputError


def archive(file: Path, names: list[str], votes: list[list[int]]) -> None:
    np.savez(
        file, image=np.zeros((len(names), 48, 48), np.uint8), name=np.array(names), votes=np.array(votes, np.uint8)
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    archive(tmp_path / "train-0.npz", ["a.png", "b.png"], [[6, 4] + [0] * 8, [5, 5] + [0] * 8])
    archive(tmp_path / "train-1.npz", ["c.png", "d.png"], [[0, 0, 2, 0, 0, 0, 0, 0, 8, 0], [0, 8] + [0] * 8])
    archive(tmp_path / "valid.npz", ["e.png"], [[10] + [0] * 9])
    return tmp_path


def test_the_parts_of_a_split_are_read_in_order(folder: Path) -> None:
    assert ferplus.read(folder, "train").names.tolist() == ["a.png", "b.png", "c.png", "d.png"]
    assert len(ferplus.read(folder, "valid")) == 1


def test_a_strict_majority_is_more_than_half_of_ten_for_one_of_the_eight(folder: Path) -> None:
    assert ferplus.read(folder, "train").labels() == ["neutral", None, None, "happiness"]


def test_votes_for_the_eight_become_a_distribution(folder: Path) -> None:
    shares = ferplus.read(folder, "train").distribution()
    assert shares.sum(1) == pytest.approx([1, 1, 1, 1])
    assert shares[2, 2] == 1  # eight votes of ten were «unknown»


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no FER\+ valid archive"):
        ferplus.read(tmp_path, "valid")


def test_an_archive_that_lacks_an_array_is_named(folder: Path) -> None:
    np.savez(folder / "valid.npz", image=np.zeros((1, 48, 48)), name=np.array(["e.png"]))
    with pytest.raises(InputError, match=r"valid\.npz: not a FER\+ archive, it lacks votes"):
        ferplus.read(folder, "valid")


def test_the_held_out_tenth_depends_on_the_name_alone() -> None:
    names = np.array([f"fer{index:07}.png" for index in range(5000)])
    chosen = ferplus.held_out(names)
    assert 0.08 < chosen.mean() < 0.12
    assert (ferplus.held_out(names[::-1])[::-1] == chosen).all()
