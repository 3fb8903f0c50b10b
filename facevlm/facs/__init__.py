"""The knowledge of faces: action units, their strengths and regions, and the emotions they are typical of."""

from facevlm.facs.tables import (
    Compound,
    Place,
    Prototype,
    Unit,
    compounds,
    grade,
    intensity_word,
    prototypes,
    typical,
    unit,
    units,
)

__all__ = [
    "Compound",
    "Place",
    "Prototype",
    "Unit",
    "compounds",
    "grade",
    "intensity_word",
    "prototypes",
    "typical",
    "unit",
    "units",
]
