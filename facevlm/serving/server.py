"""The gateway on a socket."""

from __future__ import annotations

import socket
from typing import Any

import uvicorn
from fastapi import FastAPI

from facevlm.errors import InputError
from facevlm.serving.settings import ServeSettings, check_bind

_KEEP_ALIVE = 15  # seconds an idle connection is kept
_LAST_WORDS = 10  # seconds that requests at work have when the server is told to stop
_BACKLOG = 2048
# The access log is lines of JSON already; uvicorn's own one would add paths, and httpx's the URLs of pictures.
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"bare": {"format": "%(message)s"}, "named": {"format": "%(levelname)s %(name)s: %(message)s"}},
    "handlers": {
        "bare": {"class": "logging.StreamHandler", "formatter": "bare"},
        "named": {"class": "logging.StreamHandler", "formatter": "named"},
    },
    "loggers": {
        "facevlm.access": {"handlers": ["bare"], "level": "INFO", "propagate": False},
        "facevlm.serving": {"handlers": ["named"], "level": "INFO", "propagate": False},
        "uvicorn": {"handlers": ["named"], "level": "WARNING", "propagate": False},
        "httpx": {"handlers": ["named"], "level": "WARNING", "propagate": False},
    },
}


def listen(settings: ServeSettings) -> socket.socket:
    """The socket of the settings' host and port, listening.

    Raises:
        InputError: there is no key and others could reach it, or the address cannot be had.
    """
    check_bind(settings.host, settings.api_keys)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # A client that stopped reading would otherwise keep its connection, closed here or not, for as long as it likes.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(1000 * settings.send_seconds))
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        where = f"{settings.host}:{settings.port}"
        raise InputError(f"{where}: cannot listen here ({error.strerror}); give another --host or --port") from None
    return listener


def configuration(app: FastAPI, settings: ServeSettings) -> uvicorn.Config:
    """How uvicorn runs the gateway: no WebSockets, no trust in forwarding headers, nothing about itself."""
    return uvicorn.Config(
        app,
        ws="none",
        lifespan="off",
        log_config=LOGGING,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=settings.connections,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_LAST_WORDS,
    )
