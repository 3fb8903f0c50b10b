"""Marks on pictures: which faces are numbered, how they are drawn, and crops of one face for small models."""

from facevlm.marks.crop import crop
from facevlm.marks.draw import VARIANTS, check, draw
from facevlm.marks.number import number

__all__ = ["VARIANTS", "check", "crop", "draw", "number"]
