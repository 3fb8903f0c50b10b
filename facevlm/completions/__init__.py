"""Chat completions about faces: an OpenAI request body in, a reply with the Analysis out. Nothing here is HTTP."""

from __future__ import annotations

from facevlm.completions.completer import Completer
from facevlm.completions.faults import Fault, fault
from facevlm.completions.limits import Limits
from facevlm.completions.opening import Opener, data_url
from facevlm.completions.reply import ChatCompletion, ChatCompletionChunk, ModelCard
from facevlm.completions.request import ChatRequest, FaceOptions
from facevlm.completions.served import NotServed, Served
from facevlm.completions.watching import Stage, Watch, silent

__all__ = [
    "ChatCompletion",
    "ChatCompletionChunk",
    "ChatRequest",
    "Completer",
    "FaceOptions",
    "Fault",
    "Limits",
    "ModelCard",
    "NotServed",
    "Opener",
    "Served",
    "Stage",
    "Watch",
    "data_url",
    "fault",
    "silent",
]
