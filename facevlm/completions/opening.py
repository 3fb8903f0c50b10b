"""From an image part's URL to bytes."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable

from facevlm.errors import InputError, quoted

Opener = Callable[[str], Awaitable[bytes]]

LARGE = 1 << 20  # characters of a URL that are worth a thread


async def data_url(url: str) -> bytes:
    """The bytes inside a `data:` URL; raises InputError for any other, and for one that holds no base64."""
    head, comma, content = url.partition(",")
    if not url.startswith("data:"):
        raise InputError(f"{quoted(url, 60)}: only data: URLs are read here; send the picture itself in base64")
    if not comma or not head.endswith(";base64"):
        raise InputError(f"{quoted(head, 60)}: this data: URL is not in base64; write data:image/png;base64,…")
    return await asyncio.to_thread(_decoded, content) if len(content) > LARGE else _decoded(content)


def _decoded(content: str) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise InputError("data: URL: its content is not base64; encode the picture's bytes again") from None
