"""A contrastive model's opinion of faces: how well labels fit them, without a word written."""

from facevlm.matching.matcher import Matcher
from facevlm.matching.matching import Choice, match

__all__ = ["Choice", "Matcher", "match"]
