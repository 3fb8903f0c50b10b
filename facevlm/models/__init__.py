"""Vision-language models behind one protocol: the local one in this process, and any OpenAI-compatible endpoint.

This package knows the values of `facevlm.types` and nothing of faces, marks or prompts.
"""

from __future__ import annotations

from facevlm.models.protocol import Answer, Model
from facevlm.models.registry import ModelInfo, available, load

__all__ = ["Answer", "Model", "ModelInfo", "available", "load"]
