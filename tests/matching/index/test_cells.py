from __future__ import annotations

import numpy as np
import pytest

from facevlm.matching.index import cells


def test_many_vectors_are_parted_into_cells_that_find_what_comparing_all_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "EXACT", 1000)
    rng = np.random.default_rng(0)
    many = rng.standard_normal((8000, 4)).astype(np.float32) @ rng.standard_normal((4, 16)).astype(np.float32)
    many = many / np.linalg.norm(many, axis=1, keepdims=True)
    asked = many[:50]
    found, probes = cells.arranged(many)
    _, near = cells.search(found, asked, 10, probes)
    truth = np.argsort(-asked @ many.T, axis=1)[:, :10]
    assert probes is not None and probes < found.nlist
    assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(near, truth, strict=True)]) > 0.95


def test_few_vectors_are_all_compared() -> None:
    _, probes = cells.arranged(np.eye(8, dtype=np.float32))
    assert probes is None
