"""A request's body, read to its cap and no further."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from starlette.datastructures import FormData, Headers
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Receive

from facevlm.serving.errors import Gone, Refusal

_FIELDS = 16
_VALUES = 50_000  # commas and brackets of a JSON body, those inside words included


async def read(headers: Headers, receive: Receive, most: int, seconds: float) -> bytes:
    """The whole body, at most `most` bytes of it.

    Raises:
        Refusal: 413, it is larger; 408, it took longer than `seconds`.
        Gone: the client left while sending it.
    """
    declared = headers.get("content-length", "0")
    if not declared.isascii() or not declared.isdigit() or int(declared) > most:
        raise _too_large(most)
    try:
        async with asyncio.timeout(seconds):
            return await _gather(receive, most)
    except TimeoutError:
        message = f"the body did not arrive within {seconds:g} s; send less, or faster"
        raise Refusal(408, "body_too_slow", message, headers={"Connection": "close"}) from None


async def _gather(receive: Receive, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            raise _too_large(most, {"Connection": "close"})  # else an endless body would be read on and on
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _too_large(most: int, headers: dict[str, str] | None = None) -> Refusal:
    message = f"the body is larger than {most:,} bytes; send smaller or fewer pictures"
    return Refusal(413, "body_too_large", message, headers=headers)


def check_values(body: bytes) -> None:
    """A few bytes of JSON can take kilobytes once parsed, so their number is limited before they are.

    Raises:
        Refusal: 400, there are too many.
    """
    if sum(map(body.count, (b",", b"[", b"{"))) > _VALUES:
        raise Refusal(400, "too_many_values", f"the body holds more than {_VALUES:,} values; send fewer")


class _InMemory(MultiPartParser):
    """Pictures stay in memory: none is spooled to a file."""

    spool_max_size = 1 << 62


async def form(headers: Headers, body: bytes) -> FormData:
    """The fields of a multipart body.

    Raises:
        Refusal: 415, it is no such body; 400, it is broken or has too many fields.
    """
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        raise Refusal(415, "unsupported_media_type", "send the picture as multipart/form-data, in the field «image»")

    async def once() -> AsyncGenerator[bytes]:
        yield body

    try:
        return await _InMemory(headers, once(), max_files=1, max_fields=_FIELDS).parse()
    except MultiPartException as error:
        raise Refusal(400, "invalid_body", f"the form cannot be read: {error.message}") from None
