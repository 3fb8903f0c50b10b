from __future__ import annotations

import index
import numpy as np
import pytest


@pytest.fixture
def real() -> np.ndarray:
    vectors = np.random.default_rng(0).standard_normal((40, 8)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_real_vectors_come_first_and_those_with_noise_are_about_as_far_apart(real: np.ndarray) -> None:
    many = index.repeated(real, 4000, np.random.default_rng(0))
    assert np.array_equal(many[:40], real) and np.allclose(np.linalg.norm(many, axis=1), 1, atol=1e-5)
    nearest = (many[40:] @ real.T).max(1)
    assert np.median(2 - 2 * nearest) == pytest.approx(np.median(index.apart(real)), rel=0.5)


def test_a_few_vectors_are_all_compared_and_found_exactly(real: np.ndarray) -> None:
    row = dict(zip(index.COLUMNS[1:], index.measured(real, real[:10]), strict=True))
    assert (row["recall@10 of exact"], row["cells searched"]) == ("1.000", "all")
