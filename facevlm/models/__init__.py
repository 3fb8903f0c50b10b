"""Vision-language models behind one protocol: the local one in this process, and any OpenAI-compatible endpoint.

This package knows the values of `facevlm.types` and nothing of faces, marks or prompts.
"""

from __future__ import annotations

from facevlm.models.gathering import GatheringModel
from facevlm.models.protocol import GREEDY, Answer, Model, Piece, Sampling, ServedModel
from facevlm.models.registry import ModelInfo, available, load, of_endpoint

__all__ = [
    "GREEDY", "Answer", "GatheringModel", "Model", "ModelInfo", "Piece", "Sampling", "ServedModel", "available", "load",
    "of_endpoint",
]  # fmt: skip
