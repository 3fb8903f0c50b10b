"""How it is told that a request cannot be answered: the status that OpenAI's API gives, and the error's name."""

from __future__ import annotations

from typing import NamedTuple

from facevlm.completions.served import NotServed
from facevlm.errors import FaceVLMError, InputError, ModelError, PrerequisiteError


class Fault(NamedTuple):
    """The HTTP status of a failure, its name for programs, and whether the same request may succeed later."""

    status: int
    code: str
    retry: bool = False


def fault(error: FaceVLMError) -> Fault:
    """What kind of failure an error is."""
    match error:
        case NotServed():
            return Fault(404, "model_not_found")
        case InputError():
            return Fault(400, "invalid_value")
        case PrerequisiteError():
            return Fault(503, "not_ready", retry=True)
        case ModelError():
            return Fault(502, "model_failed", error.retry)
    return Fault(502, "model_failed", retry=True)
