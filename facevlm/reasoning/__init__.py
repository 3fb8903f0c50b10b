"""The chain from a photograph to its analysis, the parser of answers, their check against measurement, and reports."""

from __future__ import annotations

from facevlm.reasoning.reasoner import FaceReasoner

__all__ = ["FaceReasoner"]
