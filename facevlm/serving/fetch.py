"""Pictures by URL, from domains that were allowed by name and in no other way.

A URL is parsed once and rebuilt from what was parsed; its name is resolved once, all its addresses are checked, and the
connection goes to one of those addresses, with the name in TLS and in `Host`. Redirects are not followed. Whatever goes
wrong on the way is told in the same words, so that nothing about a network can be learnt from them.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Sequence

import httpx

from facevlm.completions import data_url
from facevlm.errors import InputError
from facevlm.serving.addresses import Resolve, is_public, resolve
from facevlm.serving.settings import ServeSettings

_PLAIN = re.compile(r"[!-\[\]-~]{1,2048}")  # printable ASCII, no space, no backslash
_USUAL = (None, 443)
_TRIED = 3  # addresses of one name


class PictureFetcher:
    """The opener of the gateway: `await fetcher(url)` is the bytes a data URL or an allowed https URL names."""

    def __init__(
        self,
        settings: ServeSettings,
        resolve: Resolve = resolve,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._resolve = resolve
        self._transport = transport
        self._tls: ssl.SSLContext | bool = httpx.create_ssl_context() if settings.allow_domains else True
        self._turn = asyncio.Semaphore(settings.fetches)

    async def __call__(self, url: str) -> bytes:
        """The bytes of one picture.

        Raises:
            InputError: the URL is refused, or what it names cannot be had.
        """
        if url[:5].lower() == "data:":
            return await data_url(url)
        host, path = _parse(url, self._settings.allow_domains)
        try:
            async with self._turn, asyncio.timeout(self._settings.fetch_seconds):
                return await self._fetch(host, path)
        except (TimeoutError, OSError, httpx.HTTPError):
            raise _unavailable(host) from None

    async def _fetch(self, host: str, path: str) -> bytes:
        addresses = await self._resolve(host)
        if not addresses or not all(map(is_public, addresses)):
            raise _unavailable(host)
        for address in addresses[:_TRIED]:
            try:
                return await self._fetch_from(address, host, path)
            except httpx.ConnectError:
                continue
        raise _unavailable(host)

    async def _fetch_from(self, address: str, host: str, path: str) -> bytes:
        literal = f"[{address}]" if ":" in address else address
        client = httpx.AsyncClient(
            verify=self._tls, trust_env=False, follow_redirects=False, timeout=None, transport=self._transport
        )
        async with client:
            request = client.build_request(
                "GET",
                f"https://{literal}{path}",
                headers={"Host": host, "Accept": "image/*", "Accept-Encoding": "identity"},
                extensions={"sni_hostname": host},
            )
            reply = await client.send(request, stream=True)
            try:
                return await self._read(reply, host)
            finally:
                await reply.aclose()

    async def _read(self, reply: httpx.Response, host: str) -> bytes:
        kind = reply.headers.get("content-type", "").lower()
        plain = reply.headers.get("content-encoding", "identity").lower() == "identity"
        if reply.status_code != 200 or not kind.startswith("image/") or not plain:
            raise _unavailable(host)
        data = bytearray()
        async for part in reply.aiter_raw():
            data += part
            if len(data) > self._settings.fetch_bytes:
                raise InputError(
                    f"the picture at {host} is larger than {self._settings.fetch_bytes:,} bytes; send a smaller one"
                )
        return bytes(data)


def _parse(url: str, allowed: Sequence[str]) -> tuple[str, str]:
    """The host and the path with its query, of an https URL of an allowed domain."""
    if not allowed:
        raise InputError("pictures by URL are not fetched here; send the picture itself as a data: URL")
    if not _PLAIN.fullmatch(url):
        raise InputError("the picture's URL holds signs that no URL may hold; escape them, or send a data: URL")
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise InputError("the picture's URL cannot be read; correct it, or send a data: URL") from None
    if parsed.scheme != "https" or parsed.port not in _USUAL or parsed.userinfo:
        raise InputError("a picture's URL must be https://HOST/PATH, without user and port; or send a data: URL")
    host = parsed.raw_host.decode("ascii")  # as it is resolved: `host` would be written in Unicode again
    if not any(_belongs(host, name) for name in allowed):
        raise InputError("the picture's domain is not allowed here; send the picture itself as a data: URL")
    return host, parsed.raw_path.decode("ascii")


def _belongs(host: str, name: str) -> bool:
    """Whether a host is `example.org`, or, where the name is `.example.org`, that or any below it."""
    below = r"([a-z0-9_-]+\.)*" if name.startswith(".") else ""
    return re.fullmatch(below + re.escape(name.removeprefix(".")), host) is not None


def _unavailable(host: str) -> InputError:
    return InputError(f"the picture at {host} could not be fetched; send the picture itself as a data: URL")
