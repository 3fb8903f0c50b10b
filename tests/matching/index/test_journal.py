from __future__ import annotations

from pathlib import Path

import numpy as np

from facevlm.matching.index import Entry
from facevlm.matching.index.journal import Journal, Looked
from facevlm.types import Box


def test_what_a_kill_left_half_written_is_taken_back(tmp_path: Path) -> None:
    entry = Entry(picture="a.png", sha256="0", face=1, box=Box(x=0, y=0, width=1, height=1))
    journal = Journal(tmp_path, 4)
    journal.add([Looked(picture="a.png", faces=(entry,))], np.ones((1, 4), np.float32))
    with (tmp_path / "looked.jsonl").open("a") as lines, (tmp_path / "vectors.f32").open("ab") as vectors:
        lines.write('{"picture": "b.p')
        vectors.write(b"12345")
    again = Journal(tmp_path, 4)
    assert (again.done, again.faces, again.vectors().shape) == ({"a.png"}, 1, (1, 4))
    again.add([Looked(picture="b.png", left_out=("no face",))], np.zeros((0, 4), np.float32))
    assert Journal(tmp_path, 4).done == {"a.png", "b.png"}


def test_a_line_whose_vectors_were_lost_is_looked_at_again(tmp_path: Path) -> None:
    entry = Entry(picture="a.png", sha256="0", face=1, box=Box(x=0, y=0, width=1, height=1))
    Journal(tmp_path, 4).add([Looked(picture="a.png", faces=(entry,))], np.zeros((0, 4), np.float32))
    assert Journal(tmp_path, 4).done == set()
