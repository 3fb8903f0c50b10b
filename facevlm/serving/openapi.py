"""The OpenAPI document: what FastAPI reads off the routes, and the bodies it does not see."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from facevlm.serving.errors import ErrorReply

_REFERENCE = "#/components/schemas/{model}"
_SUMMARY = """An OpenAI-compatible API that explains the expressions of the faces in a picture: action units first, then
what they mean, then the emotion, each claim checked against measurement. It identifies no one."""


Replies = dict[int | str, dict[str, Any]]


def errors(*statuses: int) -> Replies:
    """Replies of these statuses, in OpenAI's shape."""
    return {status: {"model": ErrorReply, "description": HTTPStatus(status).phrase} for status in statuses}


ERRORS = errors(401, 403)
WORK_ERRORS = ERRORS | errors(400, 404, 408, 413, 415, 429, 500, 502, 503, 504)


def body(media_type: str, model: type[BaseModel]) -> dict[str, Any]:
    """What a route that parses its own body says of it; `describe` adds the model's schema."""
    return {"requestBody": {"required": True, "content": _content(media_type, model)}}


def reply(model: type[BaseModel], **others: Any) -> Replies:
    """What a route that writes its own reply says of it, beside the error replies of all work."""
    content = _content("application/json", model) | others
    return {200: {"content": content}} | WORK_ERRORS


def _content(media_type: str, model: type[BaseModel]) -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": _REFERENCE.format(model=model.__name__)}}}


def describe(
    app: FastAPI, requests: list[type[BaseModel]], replies: list[type[BaseModel]]
) -> Callable[[], dict[str, Any]]:
    """The function that gives the document, made once; the models are those that FastAPI does not see itself."""
    made: dict[str, Any] = {}

    def document() -> dict[str, Any]:
        if not made:
            made.update(get_openapi(title=app.title, version=app.version, description=_SUMMARY, routes=app.routes))
            components = made["components"]
            components["schemas"] |= _schemas(requests, replies)
            components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            made["security"] = [{"key": []}, {}]
        return made

    return document


def _schemas(requests: list[type[BaseModel]], replies: list[type[BaseModel]]) -> dict[str, Any]:
    modes: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "validation") for model in requests]
    modes += [(model, "serialization") for model in replies]
    _, document = models_json_schema(modes, ref_template=_REFERENCE)
    schemas: dict[str, Any] = document["$defs"]
    return schemas
