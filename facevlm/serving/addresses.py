"""Which internet addresses a picture may be fetched from: those of the public internet alone."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable

Resolve = Callable[[str], Awaitable[list[str]]]

_UNICAST = ipaddress.ip_network("2000::/3")  # all that was ever given out of IPv6 for use between networks
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet: not private, loopback, link-local, multicast or reserved, and
    not an IPv6 form of an IPv4 address that is (mapped, 6to4, NAT64)."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv4Address):
        return ip.is_global and not ip.is_multicast
    inner = _embedded(ip)
    return is_public(str(inner)) if inner else ip in _UNICAST and ip.is_global


def _embedded(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if ip in _NAT64:
        return ipaddress.IPv4Address(ip.packed[-4:])
    return ip.ipv4_mapped or ip.sixtofour


async def resolve(host: str) -> list[str]:
    """The addresses of a name, in the order to try them.

    Raises:
        OSError: there are none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
