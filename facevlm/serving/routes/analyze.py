"""`POST /v1/analyze`: a picture is uploaded, its Analysis comes back."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema
from starlette.datastructures import UploadFile

from facevlm.completions import FaceOptions
from facevlm.completions.request import Detail, Marks
from facevlm.errors import quoted
from facevlm.faces.decode import Named
from facevlm.serving.access import record
from facevlm.serving.body import form
from facevlm.serving.desk import Desk, explained
from facevlm.serving.errors import Refusal
from facevlm.serving.openapi import body, reply
from facevlm.types import Analysis

LONGEST_NAME = 120  # characters of a file's name that are told


class Upload(BaseModel):
    """The form of an upload: a picture and, as words, the fields of FaceOptions. A form knows no null."""

    model_config = ConfigDict(extra="forbid")

    image: bytes = Field(description="The picture: PNG, JPEG, WebP, GIF, BMP or TIFF.")
    prompt: str | SkipJsonSchema[None] = Field(default=None, description="Name of a prompt that explains faces.")
    marks: Marks | SkipJsonSchema[None] = Field(default=None, description="What is drawn on faces.")
    detail: Detail = Field(default="normal", description="Taken as in a chat completion.")


def router(desk: Desk) -> APIRouter:
    """The route, at one desk."""
    routes = APIRouter(tags=["analysis"])

    @routes.post(
        "/v1/analyze",
        operation_id="analyze",
        summary="Explain every face in a picture",
        responses=reply(Analysis),
        openapi_extra=body("multipart/form-data", Upload),
    )
    async def analyze(request: Request) -> Response:
        """Observations first, then what they mean, then the emotion, and each claim checked against measurement."""
        data, options = await _read(request)
        known = record(request.scope)
        known.images = 1
        async with desk.turn():
            analysis = await desk.completer.analyze(data, options)
        known.faces = explained([analysis])
        return Response(analysis.model_dump_json(), media_type="application/json")

    return routes


async def _read(request: Request) -> tuple[bytes, FaceOptions]:
    sent = await form(request.headers, await request.body())
    picture = sent.get("image")
    if not isinstance(picture, UploadFile):
        raise Refusal(400, "invalid_body", "image: no file was uploaded in this field; add one", "image")
    options = FaceOptions.model_validate({name: value for name, value in sent.multi_items() if name != "image"})
    return _named(await picture.read(), picture.filename or ""), options


def _named(data: bytes, filename: str) -> bytes:
    """A file's bytes with its name, without the folders that some programs send with it."""
    name = quoted(re.split(r"[/\\]", filename)[-1], LONGEST_NAME)
    return Named(data, name) if name else data
