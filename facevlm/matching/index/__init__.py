"""An index of faces in a folder: those nearest to a face or to a text, among a million in milliseconds."""

from facevlm.matching.index.building import Given, Plan, build
from facevlm.matching.index.examples import Examples
from facevlm.matching.index.layout import Description, Entry
from facevlm.matching.index.reading import Index, Neighbour

__all__ = ["Description", "Entry", "Examples", "Given", "Index", "Neighbour", "Plan", "build"]
