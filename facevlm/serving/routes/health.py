"""`GET /healthz`, `/readyz` and `/metrics`: for whoever runs the server."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from facevlm.serving.desk import Desk
from facevlm.serving.openapi import ERRORS, Replies, errors

_TEXT = "text/plain; version=1.0.0; charset=utf-8"
_FIGURES: Replies = {200: {"content": {_TEXT: {"schema": {"type": "string"}}}}}


class Health(BaseModel):
    """The server answers."""

    status: Literal["ok"] = "ok"


def router(desk: Desk) -> APIRouter:
    """The routes, at one desk."""
    routes = APIRouter(tags=["operation"])

    @routes.get("/healthz", operation_id="health", summary="Whether the server runs", responses=errors(403))
    async def healthz() -> Health:
        return Health()

    @routes.get(
        "/readyz",
        operation_id="ready",
        summary="Whether the model can be asked",
        responses=errors(403, 503),
    )
    async def readyz() -> Health:
        desk.check_ready()
        return Health()

    @routes.get(
        "/metrics",
        operation_id="metrics",
        summary="Figures for Prometheus",
        response_class=Response,
        responses=_FIGURES | ERRORS,
    )
    async def metrics() -> Response:
        return Response(desk.metrics.text(), media_type=_TEXT)

    return routes
