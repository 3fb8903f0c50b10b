"""What FER+ training faces measure, by networks that were not fitted on them.

The measurement learns brows from the votes on those faces and remembers them: lowered brows are found in nearly every
angry face it was fitted on, and in four of five that it was not. A model that is taught what it finds in the first
would trust its observations more than they deserve of any other face. So the faces are divided by their names, and
those of each fold are measured by networks fitted on the others (cross-fitting: Chernozhukov et al. 2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facevlm import files
from facevlm.data import ferplus
from facevlm.faces import regressor
from facevlm.faces.regressor import Regressor

COUNT = 3
FILE = Path(__file__).parent / "folds.npz"
_FITTED = ("upper", "lower", "kept", "knots")  # what differs between folds; the rest is as in the network that ships


def of(names: NDArray[np.str_]) -> NDArray[np.int64]:
    """The fold of each face of FER+'s training split, (n,); -1 for the tenth that is held out, which nothing is fitted
    on.
    """
    return (ferplus.tenths(names) - 1) // COUNT


@lru_cache(maxsize=1)
def networks() -> tuple[Regressor, ...]:
    """For each fold the regressor that was fitted on the others."""
    shared = regressor.to_arrays(regressor.regressor())
    with np.load(FILE) as arrays:
        found = {name: arrays[name].astype(np.float32) for name in arrays}
    own = [
        {name.removeprefix(f"{fold}_"): array for name, array in found.items() if name.startswith(f"{fold}_")}
        for fold in range(COUNT)
    ]
    return tuple(regressor.from_arrays(shared | each) for each in own)


def write(fitted: Sequence[Regressor]) -> None:
    """Keep the regressors of the folds for `networks`."""
    arrays = {
        f"{fold}_{name}": array.astype(np.float32 if name in ("kept", "knots") else np.float16)
        for fold, each in enumerate(fitted)
        for name, array in regressor.to_arrays(each).items()
        if name.startswith(_FITTED)
    }
    with files.replaced(FILE) as partial, partial.open("wb") as written:
        np.savez_compressed(written, **arrays)
    networks.cache_clear()
