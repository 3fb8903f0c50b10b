"""The OpenAI-compatible gateway over `facevlm.completions`. Needs the extra `serve`.

A request passes `access` (id, log, figures), `door` (key, place in the queue, body), a file of `routes`, and a
`Completer`, which does the rest. `fetch` brings pictures from domains that were allowed.
"""

from __future__ import annotations

from facevlm.serving.app import create_app, gateway
from facevlm.serving.fetch import PictureFetcher
from facevlm.serving.metrics import Metrics
from facevlm.serving.server import configuration, listen
from facevlm.serving.settings import ServeSettings, check_bind

__all__ = [
    "Metrics",
    "PictureFetcher",
    "ServeSettings",
    "check_bind",
    "configuration",
    "create_app",
    "gateway",
    "listen",
]
