"""What the gateway may be told: where it listens, who may ask, and how much it takes on."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from facevlm.errors import InputError

_DOMAIN = re.compile(r"\.?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])?")


def _words(value: object) -> object:
    """Words between commas, as an environment variable holds them."""
    return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value


def _domains(names: tuple[str, ...]) -> tuple[str, ...]:
    lowered = tuple(name.lower() for name in names)
    for name in lowered:
        if not _DOMAIN.fullmatch(name):
            raise ValueError(f"{name} is not a domain; write example.org, or .example.org for it and all below it")
    return lowered


def _keys(keys: tuple[str, ...]) -> tuple[str, ...]:
    if not all(key.isascii() and key.isprintable() and " " not in key for key in keys):
        raise ValueError("a key may hold printable ASCII without spaces")
    return keys


class ServeSettings(BaseSettings):
    """Each may be set as `FACEVLM_…`; the keys can only be set so, since a command line is seen by everyone."""

    model_config = SettingsConfigDict(
        env_prefix="FACEVLM_", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    host: str = Field(default="127.0.0.1", description="Address to listen at.")
    port: int = Field(default=8000, ge=0, le=65_535, description="Port to listen at; 0 takes a free one.")
    api_keys: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words), AfterValidator(_keys)] = Field(
        default=(),
        repr=False,
        description="Keys of the clients, between commas. Without any only this machine may ask.",
    )
    allow_domains: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words), AfterValidator(_domains)] = Field(
        default=(), description="Domains whose pictures may be fetched over https; .example.org means all below it too."
    )
    concurrency: int = Field(default=8, gt=0, description="Requests answered at the same time.")
    queue: int = Field(default=64, ge=0, description="Requests that may wait for their turn; more are told 429.")
    connections: int = Field(default=1024, gt=0, description="Connections held open at the same time.")
    body_bytes: int = Field(default=32 << 20, gt=0, description="Largest body of a request, in bytes.")
    body_seconds: float = Field(default=30, gt=0, description="Seconds in which a body must have arrived.")
    request_seconds: float = Field(default=300, gt=0, description="Seconds a request may take, waiting included.")
    send_seconds: float = Field(default=20, gt=0, description="Seconds a client may take to read what it is sent.")
    fetch_bytes: int = Field(default=20 << 20, gt=0, description="Largest picture that is fetched, in bytes.")
    fetch_seconds: float = Field(default=10, gt=0, description="Seconds in which a picture must have been fetched.")
    fetches: int = Field(default=8, gt=0, description="Pictures fetched at the same time.")


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach `host`, a name or an address, in brackets or not."""
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def check_bind(host: str, keys: tuple[str, ...]) -> None:
    """Without keys the gateway listens to this machine alone.

    Raises:
        InputError: `host` is reached from other machines and there is no key.
    """
    if not keys and not is_loopback(host):
        raise InputError(
            f"{host}: other machines could ask without a key; set FACEVLM_API_KEYS, or listen at 127.0.0.1"
        )
