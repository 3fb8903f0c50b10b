from __future__ import annotations

from pathlib import Path

import pytest

from facevlm import files
from facevlm.errors import InputError


def test_a_file_keeps_what_it_held_where_its_replacement_fails(tmp_path: Path) -> None:
    file = files.write(tmp_path / "a.txt", "before")
    with pytest.raises(ZeroDivisionError), files.replaced(file) as partial:
        partial.write_text("half")
        1 / 0  # noqa: B018
    assert file.read_text() == "before"


def test_a_replaced_file_leaves_nothing_beside_it(tmp_path: Path) -> None:
    files.write(files.write(tmp_path / "a.txt", "before"), "after")
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("a.txt", "after")]


def test_a_file_that_is_being_added_to_is_nobody_elses(tmp_path: Path) -> None:
    with files.locked(tmp_path / "a.jsonl"), pytest.raises(InputError, match="another run is writing it"):
        files.locked(tmp_path / "a.jsonl")


@pytest.mark.parametrize(("content", "left"), [(b"a\nb", b"a\n"), (b"a\nb\n", b"a\nb\n"), (b"a", b"")])
def test_a_line_cut_short_is_taken_back(content: bytes, left: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(content)
    files.mend(tmp_path / "a.jsonl")
    assert (tmp_path / "a.jsonl").read_bytes() == left
