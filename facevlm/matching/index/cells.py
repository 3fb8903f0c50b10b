"""Vectors put in order so that those nearest to one are found soon (Douze et al. 2024, arXiv 2401.08281).

A few are compared one by one. Many are parted into cells around centres found by k-means (an inverted file), and only
the cells nearest to a face are searched: as many as the faces of the index themselves need to find their neighbours.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facevlm.errors import InputError, PrerequisiteError

EXACT = 50_000  # vectors up to which all are compared: some milliseconds
RECALL = 0.99  # of the ten nearest, by which the number of cells is chosen
_TRIED = 200  # faces it is chosen on
_A_CELL = 100  # vectors for each centre that k-means is shown
_CHUNK = 65_536


def check_installed() -> None:
    """Raises PrerequisiteError where faiss is not installed."""
    if find_spec("faiss") is None:
        raise PrerequisiteError("faiss not installed; pip install 'facevlm[clip]'")


def arranged(vectors: NDArray[np.float32]) -> tuple[Any, int | None]:
    """A faiss index of inner products, and how many of its cells to search; None where it has none.

    Args:
        vectors: (n, dim), each of length 1.
    """
    import faiss

    count, dim = vectors.shape
    if count <= EXACT:
        index = faiss.index_factory(dim, "Flat", faiss.METRIC_INNER_PRODUCT)
        index.add(np.ascontiguousarray(vectors))
        return index, None
    cells = 2 ** round(np.log2(4 * np.sqrt(count)))
    index = faiss.index_factory(dim, f"IVF{cells},SQfp16", faiss.METRIC_INNER_PRODUCT)
    shown = np.random.default_rng(0).choice(count, min(count, cells * _A_CELL), replace=False)
    index.train(vectors[np.sort(shown)])
    for start in range(0, count, _CHUNK):
        index.add(vectors[start : start + _CHUNK])
    return index, _enough(index, vectors)


def write(index: Any, file: Path) -> None:
    """Write an index. Raises OSError where the disk is full; faiss would raise something else."""
    import faiss

    faiss.serialize_index(index).tofile(file)


def read(file: Path) -> Any:
    """An index that was written. Raises InputError where it cannot be read."""
    import faiss

    try:
        return faiss.read_index(str(file))
    except RuntimeError:
        raise InputError(f"{file}: cannot be read; build the index again") from None


def search(
    index: Any, asked: NDArray[np.float32], count: int, probes: int | None
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Cosines and rows of those nearest to each vector, (n, count) each; -1 where there are no more.

    Args:
        index: as `arranged` gives it.
        asked: (n, dim) vectors.
        count: how many.
        probes: cells to search; None for all.
    """
    import faiss

    params = None
    if isinstance(index, faiss.IndexIVF):
        params = faiss.SearchParametersIVF()
        params.nprobe = probes or index.nlist
    found: tuple[NDArray[np.float32], NDArray[np.int64]] = index.search(asked, count, params=params)
    return found


def _enough(index: Any, vectors: NDArray[np.float32]) -> int:
    """The fewest cells, a power of two, in which faces of the index find their ten nearest others."""
    rows = np.linspace(0, len(vectors) - 1, _TRIED).astype(int)
    asked = vectors[rows]
    truth = _others(index, asked, rows, index.nlist)
    probes = 1
    while probes < index.nlist and _recall(_others(index, asked, rows, probes), truth) < RECALL:
        probes *= 2
    return int(probes)


def _others(index: Any, asked: NDArray[np.float32], rows: NDArray[Any], probes: int) -> list[set[int]]:
    _, found = search(index, asked, 11, probes)
    return [set(each[each != row][:10].tolist()) for each, row in zip(found, rows, strict=True)]


def _recall(found: list[set[int]], truth: list[set[int]]) -> float:
    return float(np.mean([len(ours & theirs) / len(theirs) for ours, theirs in zip(found, truth, strict=True)]))
