"""The outputs of networks laid on the scale of FACS, unit by unit, on faces that nothing was fitted on.

A unit begins to be present at what few real resting faces reach, and few plain smiles, and no lower than where claims
of it are best; renders at grade E are near the top.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facevlm.data.cot.coding import CLAIMED
from facevlm.faces.regressor import Regressor
from facevlm.training import recipe
from facevlm.training.measurement.networks import Real, Renders
from facevlm.training.measurement.reliability import PRESENT, best_threshold
from facevlm.types import AU_CODES

Floats = NDArray[np.float32]
STRONGEST = 0.8  # true intensity: grade E


def knots(network: Regressor, check: Renders, real: Real, chosen: recipe.ActionUnits) -> Floats:
    """For each unit the outputs that stand for `regressor.VALUES`: (24, 5).

    Args:
        network: a regressor without knots.
        check, real: renders and real faces of whom nothing was fitted on.
        chosen: the recipe.
    """
    rest, smiles, moved = (
        network.evened(network.raw(features))
        for features in (real.features[real.resting], real.features[real.smiling], check.features)
    )
    rows = []
    for row, code in enumerate(AU_CODES):
        quiet = chosen.at_rest.get(code, chosen.rest_percentile)
        low, middle, present = np.percentile(rest[..., row], (0.5, 50, quiet))
        if code in chosen.smileless and len(smiles):
            present = max(present, np.percentile(smiles[..., row], chosen.smile_percentile))
        strong = moved[..., row][check.truth[..., row] >= STRONGEST]
        usual, top = np.percentile(strong, (40, 90)) if len(strong) else (present, present)
        # Units are spoken of from CLAIMED on: it is that which is laid where F1 is best, and PRESENT as far below it.
        claimed = best_threshold(moved[..., row].max(1), check.truth[..., row].max(1) >= PRESENT)
        present = max(present, claimed - (usual - claimed) * (CLAIMED - PRESENT) / (STRONGEST - CLAIMED))
        usual = max(usual, present + (present - middle))  # a unit that rest hides would jump otherwise
        rows.append((min(low, middle - 0.01), middle, present, usual, max(top, usual + 0.3 * (usual - present))))
    return np.array(rows, np.float32)
