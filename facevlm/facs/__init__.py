"""The knowledge of faces: action units, their strengths and regions, and the emotions they are typical of."""

from facevlm.facs.tables import (
    Compound,
    Contradiction,
    Place,
    Prototype,
    Unit,
    compounds,
    contradictions,
    grade,
    intensity_word,
    prototypes,
    typical,
    unit,
    units,
)

__all__ = [
    "Compound",
    "Contradiction",
    "Place",
    "Prototype",
    "Unit",
    "compounds",
    "contradictions",
    "grade",
    "intensity_word",
    "prototypes",
    "typical",
    "unit",
    "units",
]
