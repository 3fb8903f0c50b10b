"""Which models stand behind, and by which names requests call them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from facevlm import models
from facevlm.completions.request import DEFAULT_MODEL
from facevlm.errors import InputError, quoted
from facevlm.models import GatheringModel, ServedModel
from facevlm.models.endpoint import KEY_VARIABLE, Endpoint
from facevlm.models.registry import BARE, adapters_of, shipped_names
from facevlm.models.wire import Listed

IN_FLIGHT = 256  # requests to one server: whoever stands in front of it limits them
PATIENCE = 5.0  # seconds after which a server may be asked again what it serves

Load = Callable[[], ServedModel]


class NotServed(InputError):
    """The model asked for is not among those served."""


class Served:
    """Models by the names they are asked for: `facevlm` is the default, others are NAME or NAME:ADAPTER.

    Args:
        named: the models, the default's name first.
        later: those that are loaded when first asked for.
        again: asks a server anew what it serves, for the sake of a name that is not known.
    """

    def __init__(
        self,
        named: Mapping[str, ServedModel],
        *,
        later: Mapping[str, Load] | None = None,
        again: Callable[[], Awaitable[Mapping[str, ServedModel]]] | None = None,
    ) -> None:
        self._named = dict(named)
        self._later = dict(later or {})
        self._again = again
        self._asked_at = time.monotonic()
        self._loading = asyncio.Lock()

    @classmethod
    def local(cls, name: str = "nano", adapter: str | None = None, *, threads: int | None = None) -> Served:
        """A model in this process, with the adapters that ship for it; what is asked together is answered together.

        Raises InputError and PrerequisiteError as `models.load` does.
        """

        def load(adapter: str | None) -> ServedModel:
            return GatheringModel(models.load(name, adapter, threads=threads))

        model = load(adapter)
        base = model.name
        later = {f"{base}:{each}": lambda each=each: load(each) for each in (*adapters_of(name), BARE)}
        return cls(dict.fromkeys((DEFAULT_MODEL, base, f"{base}:{model.adapter or BARE}"), model), later=later)

    @classmethod
    def upstream(
        cls,
        url: str,
        name: str | None = None,
        adapter: str | None = None,
        *,
        api_key_env: str = KEY_VARIABLE,
        timeout: float = 120.0,
        in_flight: int = IN_FLIGHT,
    ) -> Served:
        """All that an OpenAI-compatible endpoint serves, by its own ids; a shipped model also by its name here.

        Args:
            url: e.g. `http://localhost:8001/v1`.
            name: the default model's id; by default the first adapter that is served, or else the first model.
            adapter: the endpoint's id of the default's adapter.
            api_key_env, timeout, in_flight: as `Endpoint` takes them.

        Raises:
            InputError: `url` is none, or the endpoint serves nothing and no name was given.
            PrerequisiteError: the variable named for the key is not set.
            ModelError: the endpoint does not answer.
        """
        endpoint = Endpoint(url, api_key_env=api_key_env, timeout=timeout, in_flight=in_flight)

        async def again() -> Mapping[str, ServedModel]:
            listed = await asyncio.wrap_future(endpoint.submit(endpoint.listing()))
            return _named(endpoint, listed, name, adapter)

        listed = endpoint.submit(endpoint.listing()).result()
        return cls(_named(endpoint, listed, name, adapter), again=again)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name a request may use, the default's first."""
        return tuple({**self._named, **self._later})

    async def model(self, name: str) -> ServedModel:
        """The model of that name. Raises NotServed, naming those there are, and ModelError where a server is away."""
        if name in self._named:
            return self._named[name]
        async with self._loading:
            if name in self._later and name not in self._named:
                self._named[name] = await asyncio.to_thread(self._later[name])
            elif self._again and time.monotonic() - self._asked_at > PATIENCE:
                self._asked_at = time.monotonic()
                self._named = dict(await self._again())
        if name not in self._named:
            raise NotServed(f"{quoted(name, 60)}: no such model here; use {quoted(', '.join(self.names), 400)}")
        return self._named[name]


def _named(
    endpoint: Endpoint, listed: Sequence[Listed], name: str | None, adapter: str | None
) -> dict[str, ServedModel]:
    """The endpoint's models by every name that is taken for them."""
    found: dict[str, ServedModel] = {}
    for each in listed:
        model = models.of_endpoint(endpoint, each.parent or each.id, each.id if each.parent else None)
        found |= dict.fromkeys((each.id, *_pairs(each)), model)
    for shipped in shipped_names():
        if best := found.get(f"{shipped}-facs") or found.get(f"{shipped}-base"):
            found.setdefault(shipped, best)
    return {DEFAULT_MODEL: _default(endpoint, listed, found, name, adapter)} | found


def _pairs(each: Listed) -> tuple[str, ...]:
    """NAME:ADAPTER, of an adapter."""
    if each.parent is None:
        return ()
    names = dict.fromkeys((each.parent, each.parent.removesuffix("-base")))
    return tuple(f"{name}:{each.id}" for name in names)


def _default(
    endpoint: Endpoint,
    listed: Sequence[Listed],
    found: Mapping[str, ServedModel],
    name: str | None,
    adapter: str | None,
) -> ServedModel:
    """The model asked for, whether or not it is listed: not every server lists all it serves."""
    if name is None and adapter in (None, BARE):
        wanted = sorted(listed, key=lambda each: (each.parent is None) != (adapter == BARE))
        if not wanted:
            raise InputError(f"{endpoint.url}: serves no model; start it with one, or give --model")
        return found[wanted[0].id]
    served_as = (name if adapter in (None, BARE) else adapter) or ""
    return found.get(served_as) or models.of_endpoint(endpoint, name or served_as, adapter if name else None)
