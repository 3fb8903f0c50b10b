"""FaceVLM explains what the faces in a photograph show: action units, the emotion read from them, each claim checked.

    from facevlm import FaceReasoner

    analysis = FaceReasoner().analyze("photo.jpg")
    for face in analysis.faces:
        print(face.id, face.explanation.emotion)

The whole system is the chain in `facevlm.reasoning.reasoner`. Names are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from facevlm.errors import FaceVLMError, InputError, ModelError, OutputError, PrerequisiteError
    from facevlm.reasoning.reasoner import FaceReasoner
    from facevlm.types import Analysis

try:
    __version__ = version("facevlm")
except PackageNotFoundError:  # a checkout that is on the path and not installed
    __version__ = "0+checkout"

__all__ = [
    "Analysis",
    "FaceReasoner",
    "FaceVLMError",
    "InputError",
    "ModelError",
    "OutputError",
    "PrerequisiteError",
    "__version__",
]

_HOMES = {
    "FaceReasoner": "facevlm.reasoning.reasoner",
    "Analysis": "facevlm.types",
    "FaceVLMError": "facevlm.errors",
    "InputError": "facevlm.errors",
    "ModelError": "facevlm.errors",
    "OutputError": "facevlm.errors",
    "PrerequisiteError": "facevlm.errors",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'facevlm' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
