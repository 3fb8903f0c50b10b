"""How fast an index of faces is searched, how well, and what building it takes.

    python evals/index.py --vectors 1000000 [--data ../shared/data] [--work runs/nano] [--matcher nano-clip] [--random]

The vectors are FER+ training faces as the matcher sees them, and these again with noise, which takes each as far as
half of them have their nearest other. Asked for are FER+ validation faces, one at a time. `--random` takes
unit vectors of no structure in the place of both: harder than any faces, and needs no data.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facevlm.matching.index import cells
from facevlm.matching.loading import SHIPPED

Vectors = NDArray[np.float32]

FIRST = 10
DIM = 128  # of random vectors
TRIED = 500  # real faces on which the distance to the nearest other is measured
_CHUNK = 65_536
COLUMNS = (
    "vectors", "one query: p50", "p99", f"recall@{FIRST} of exact", "comparing all: p50", "put in order in", "on disk",
    "cells searched",
)  # fmt: skip


def main() -> None:
    """Print the table of one index."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--work", type=Path, default=Path("runs/nano"))
    parser.add_argument("--matcher", default=SHIPPED)
    parser.add_argument("--random", action="store_true")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    if options.random:
        what = "random"
        base, asked = (_unit(rng.standard_normal((n, DIM), np.float32)) for n in (options.vectors, options.queries))
    else:
        what = f"FER+ faces by {Path(options.matcher).name}, most with noise"
        real, asked = faces(options)
        base = repeated(real, options.vectors, rng)
        asked = asked[rng.permutation(len(asked))[: options.queries]]
    cellsof = (f"{options.vectors:,}: {what}", *measured(base, asked))
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}\n| {' | '.join(cellsof)} |")


def faces(options: argparse.Namespace) -> tuple[Vectors, Vectors]:
    """FER+ training faces, and validation faces to ask for, (n, dim) each."""
    from facevlm.matching.matcher import Matcher
    from facevlm.training.embedded.arrays import face_arrays

    matcher = Matcher(options.matcher)
    size = int(matcher.facts["crop_size"])

    def embedded(split: str) -> Vectors:
        crops = face_arrays(options.data / "ferplus", split, options.work, size, 2).plain
        return matcher.faces([Image.fromarray(each).convert("RGB") for each in crops])

    return embedded("train"), embedded("valid")


def repeated(real: Vectors, count: int, rng: np.random.Generator) -> Vectors:
    """The real vectors, and after them the same with noise, until there are `count`."""
    if count <= len(real):
        return real[:count]
    strength = np.sqrt(np.median(apart(real)) / real.shape[1])
    made = np.empty((count, real.shape[1]), np.float32)
    made[: len(real)] = real
    for start in range(len(real), count, _CHUNK):
        rows = rng.integers(len(real), size=min(_CHUNK, count - start))
        noise = strength * rng.standard_normal((len(rows), real.shape[1]), np.float32)
        made[start : start + len(rows)] = _unit(real[rows] + noise)
    return made


def apart(real: Vectors) -> NDArray[np.float32]:
    """Squared distance of some of the vectors to their nearest other."""
    import faiss

    likeness, _ = faiss.knn(real[:TRIED], real, 2, metric=faiss.METRIC_INNER_PRODUCT)
    return np.asarray(2 - 2 * likeness[:, 1])


def measured(base: Vectors, asked: Vectors) -> tuple[str, ...]:
    """The cells of the row, after the first."""
    import faiss

    _, truth = faiss.knn(asked, base, FIRST, metric=faiss.METRIC_INNER_PRODUCT)
    started = time.perf_counter()
    index, probes = cells.arranged(base)
    building = time.perf_counter() - started
    with tempfile.TemporaryDirectory() as folder:
        cells.write(index, Path(folder) / "faces.faiss")
        size = (Path(folder) / "faces.faiss").stat().st_size
    found, times = timed(asked, lambda one: cells.search(index, one, FIRST, probes)[1][0])
    _, whole = timed(asked[:50], lambda one: cells.search(index, one, FIRST, None)[1][0])
    recall = np.mean([len(set(near) & set(best)) / FIRST for near, best in zip(found, truth, strict=True)])
    return (
        f"{1000 * np.median(times):.2f} ms", f"{1000 * np.quantile(times, 0.99):.2f} ms", f"{recall:.3f}",
        f"{1000 * np.median(whole):.1f} ms", f"{building:.0f} s", f"{size / 1e6:.0f} MB",
        "all" if probes is None else f"{probes} of {index.nlist}",
    )  # fmt: skip


def timed(
    asked: Vectors, search: Callable[[Vectors], NDArray[np.int64]]
) -> tuple[list[NDArray[np.int64]], list[float]]:
    """What is found for each vector by itself, and the seconds it took."""
    found, times = [], []
    for one in asked:
        started = time.perf_counter()
        found.append(search(one[None]))
        times.append(time.perf_counter() - started)
    return found, times


def _unit(vectors: Vectors) -> Vectors:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


if __name__ == "__main__":
    main()
