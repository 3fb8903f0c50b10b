"""Faces in photographs: where they are, how they are turned, and what on them moved."""

from facevlm.faces.decode import decode
from facevlm.faces.find import find

__all__ = ["decode", "find"]
