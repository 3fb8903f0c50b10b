"""Templates of pages and cards, each in a file beside the code that fills it in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

Filters = Mapping[str, Callable[..., object]]


def template(file: Path, filters: Filters = MappingProxyType({}), **words: object) -> Template:
    """A Jinja template, which fails on what it is not told; in a page, `*.html.jinja`, all it is told is escaped.

    Args:
        filters: what may stand behind a `|`, beside Jinja's own.
        words: what every rendering knows.
    """
    environment = Environment(
        loader=FileSystemLoader(file.parent),
        autoescape=file.name.endswith(".html.jinja"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters)
    environment.globals.update(words)
    return environment.get_template(file.name)
