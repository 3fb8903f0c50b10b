"""The first request of each model that vLLM serves: it pays for compiling the schema, and shows that answers come."""

from __future__ import annotations

from facevlm import models
from facevlm.faces.decode import Source
from facevlm.reasoning import FaceReasoner
from facevlm.serving.vllm import VLLMServer

_TIMEOUT = 600.0  # seconds for that first answer


def warm(server: VLLMServer, picture: Source) -> None:
    """Have a face explained by each adapter and by the base. Raises ModelError where one of them does not answer."""
    for adapter in (*(each.name for each in server.adapters), None):
        model = models.load(server.base.name, adapter, server.url, timeout=_TIMEOUT)
        FaceReasoner(model).analyze(picture)
