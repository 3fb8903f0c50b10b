"""Who may ask: a key as a bearer token, or, where there are no keys, a program of this machine."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from starlette.datastructures import Headers

from facevlm.serving.errors import Refusal
from facevlm.serving.settings import is_loopback


def check_key(headers: Headers, keys: Sequence[str]) -> None:
    """Compare with every key, in a time that tells nothing of any.

    Raises:
        Refusal: 401, there is no key or a wrong one.
    """
    scheme, _, given = headers.get("authorization", "").partition(" ")
    matches = [hmac.compare_digest(given.strip().encode(), key.encode()) for key in keys]
    if scheme.lower() != "bearer" or not any(matches):
        raise Refusal(
            401,
            "invalid_api_key",
            "no valid key; send one that this server knows as «Authorization: Bearer KEY»",
            headers={"WWW-Authenticate": "Bearer"},
        )


def check_host(headers: Headers) -> None:
    """A server without keys answers to names of this machine alone, so that no web page can reach it by a name that
    was made to mean this machine (DNS rebinding).

    Raises:
        Refusal: 403, the request came for another name.
    """
    name = headers.get("host", "localhost").lower()
    host = name.partition("]")[0] if name.startswith("[") else name.partition(":")[0]
    if not is_loopback(host):
        raise Refusal(403, "host_not_allowed", "without keys this server answers to localhost alone")
