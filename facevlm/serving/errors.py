"""Every failure as OpenAI's API tells it: `{"error": {"message", "type", "param", "code"}}`."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.config import JsonDict
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from facevlm.completions import Fault, NotServed, fault
from facevlm.completions.request import field
from facevlm.errors import FaceVLMError, InputError, quoted

GONE = 499  # the client left before its answer; a status for logs alone, as nginx writes it
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_CODES = {404: "not_found", 405: "method_not_allowed"}


_EXAMPLE: JsonDict = {
    "error": {
        "message": "the picture is 8×8 pixels; send one of at least 16",
        "type": "invalid_request_error",
        "param": None,
        "code": "invalid_value",
    }
}


class ErrorDetail(BaseModel):
    """What went wrong."""

    message: str = Field(description="What was wrong, and what to do.")
    type: str = Field(description="The family of the error.", examples=["invalid_request_error"])
    param: str | None = Field(description="The field at fault, if it is one.", examples=["messages.0.content"])
    code: str | None = Field(description="The error's name, for programs.", examples=["invalid_value"])


class ErrorReply(BaseModel):
    """A failure, in OpenAI's shape."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    error: ErrorDetail


class Refusal(Exception):
    """A request that is answered with an error."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.headers = dict(headers or {})

    @property
    def body(self) -> ErrorReply:
        family = _TYPES.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        return ErrorReply(error=ErrorDetail(message=self.message, type=family, param=self.param, code=self.code))

    @property
    def response(self) -> JSONResponse:
        return JSONResponse(self.body.model_dump(), self.status, self.headers)


class Gone(Exception):
    """The client left, or stopped reading; nobody is there to be answered."""


def refusal(error: Exception) -> Refusal:
    """How the client is told of a failure. What a model's server said, or where it is, is not for the client."""
    match error:
        case Refusal():
            return error
        case ValidationError() | RequestValidationError():
            return _invalid(error)
        case HTTPException():
            return _framework(error)
        case InputError():
            kind = fault(error)
            return Refusal(kind.status, kind.code, str(error), "model" if isinstance(error, NotServed) else None)
        case FaceVLMError():
            return _failure(fault(error))
        case TimeoutError():
            return Refusal(504, "timeout", "the answer took too long; ask for less, or try again later")
        case _:
            return Refusal(500, "internal_error", "the server failed; report the x-request-id of this reply")


def not_ready() -> Refusal:
    """The model cannot be asked at this moment."""
    message = "the model is not ready; try again in a few seconds"
    return Refusal(503, "not_ready", message, headers={"Retry-After": "5"})


def _failure(kind: Fault) -> Refusal:
    """The model's failure. Clients of OpenAI read from the header whether to ask again by themselves."""
    if kind.status == 503:
        return not_ready()
    if kind.retry:
        return Refusal(kind.status, kind.code, "the model did not give a usable answer; try again")
    message = "the model refuses this request; ask for less, or tell whoever runs this server"
    return Refusal(kind.status, kind.code, message, headers={"x-should-retry": "false"})


def _invalid(error: ValidationError | RequestValidationError) -> Refusal:
    """The first thing wrong with a body; its value is not repeated, for it may be a whole picture."""
    first = error.errors()[0]
    place = field(part for part in first["loc"] if part != "body")
    what = quoted(str(first["msg"]).removeprefix("Value error, "))
    return Refusal(400, "invalid_body", f"{place}: {what}" if place else what, place or None)


def _framework(error: HTTPException) -> Refusal:
    phrase = HTTPStatus(error.status_code).phrase.lower()
    code = _CODES.get(error.status_code, phrase.replace(" ", "_"))
    return Refusal(error.status_code, code, f"{phrase}; see /openapi.json for what there is", headers=error.headers)
