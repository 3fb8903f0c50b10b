"""The gateway: routes, door and log around a `Completer`."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from facevlm import __version__
from facevlm.completions import ChatCompletion, ChatCompletionChunk, ChatRequest, Completer, Limits, Served
from facevlm.serving.access import Access
from facevlm.serving.desk import Desk
from facevlm.serving.door import Door
from facevlm.serving.fetch import PictureFetcher
from facevlm.serving.metrics import Metrics
from facevlm.serving.openapi import describe
from facevlm.serving.routes import analyze, chat, health, models
from facevlm.serving.settings import ServeSettings
from facevlm.serving.slots import Slots
from facevlm.types import Analysis

_LIMITS = Limits()


def gateway(
    served: Served, settings: ServeSettings, limits: Limits = _LIMITS, ready: Callable[[], bool] = lambda: True
) -> FastAPI:
    """The gateway over the models of `served`; `ready` says whether they can be asked at this moment."""
    metrics = Metrics()
    completer = Completer(served, open=PictureFetcher(settings), limits=limits, watch=metrics.watch)
    return create_app(completer, settings, metrics, ready)


def create_app(
    completer: Completer,
    settings: ServeSettings,
    metrics: Metrics | None = None,
    ready: Callable[[], bool] = lambda: True,
) -> FastAPI:
    """The gateway over one completer. `metrics` are those the completer tells of its stages, where it does."""
    metrics = metrics or Metrics()
    slots = Slots(settings.concurrency, settings.queue, lambda seconds: metrics.watch("wait", seconds))
    metrics.follow(slots)
    desk = Desk(completer, settings, slots, metrics, ready)
    app = FastAPI(title="FaceVLM", version=__version__, docs_url=None, redoc_url=None, redirect_slashes=False)
    for part in (chat, analyze, models, health):
        app.include_router(part.router(desk))
    for kind in (HTTPException, RequestValidationError):
        app.add_exception_handler(kind, _raise)
    app.add_middleware(Door, settings=settings, slots=slots)
    app.add_middleware(Access, metrics=metrics)  # the last added is the outermost
    app.openapi = describe(app, [ChatRequest, analyze.Upload], [ChatCompletion, ChatCompletionChunk, Analysis])  # type: ignore[method-assign]
    return app


async def _raise(_: Request, error: Exception) -> Response:
    """Errors of the framework go to the door, as all others do, to be told in one shape."""
    raise error
