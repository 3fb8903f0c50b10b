"""Samples as the rows that trainers read: TRL, LLaMA-Factory, ms-swift, or the neutral format itself."""

from facevlm.data.convert.pictures import Treatment
from facevlm.data.convert.rows import Converted, Target, convert

__all__ = ["Converted", "Target", "Treatment", "convert"]
