"""Whether a JSON schema that a request brings is one, as far as can be told without a model.

A schema that no answer can be bound to would come back as a failure of the model, which it is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from facevlm.errors import InputError, quoted

_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
_OF_NAMES = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")  # name → schema
_OF_MANY = ("allOf", "anyOf", "oneOf", "prefixItems")
_OF_ONE = ("items", "additionalProperties", "contains", "not", "if", "then", "else", "propertyNames")
_FOREIGN = (  # what JSON's patterns, those of ECMAScript, have and Python's have not → what stands for it
    (r"\(\?<(?=[A-Za-z_])", "(?P<"),
    (r"\\[pP]\{[^{}]*\}|\\u\{[0-9a-fA-F]+\}|\\c[A-Za-z]", "x"),
    (r"\\k<\w+>", ""),
)


def check_schema(schema: dict[str, Any]) -> None:
    """Raises InputError, with the place and the value, where a schema is none."""
    for place, fault in _faults(schema, schema, ()):
        where = "".join(f".{part}" for part in ("response_format", "json_schema", "schema", *place))[1:]
        raise InputError(f"{quoted(where)}: {fault}; correct the schema")


def _faults(schema: Any, root: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        yield place, "this is no schema"
        return
    yield from ((place, fault) for fault in _own_faults(schema, root))
    for name, inner in _inner(schema):
        yield from _faults(inner, root, (*place, *name))


def _own_faults(schema: dict[str, Any], root: Any) -> Iterator[str]:
    """What is wrong with a schema's own keywords."""
    kinds = schema.get("type", [])
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if not isinstance(kind, str) or kind not in _TYPES:
            yield f"type {_shown(kind)} is none of {', '.join(sorted(_TYPES))}"
    reference = schema.get("$ref", "#")
    if not isinstance(reference, str) or not _found(reference, root):
        yield f"$ref {_shown(reference)} names nothing in the schema"
    if "pattern" in schema and not _is_pattern(schema["pattern"]):
        yield f"pattern {_shown(schema['pattern'])} is no regular expression"
    for name in ("enum", "required"):
        if not isinstance(schema.get(name, []), list):
            yield f"{name} {_shown(schema[name])} is no list"


def _inner(schema: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The schemas inside a schema, each with the keywords that lead to it; what should hold some and does not, too."""
    for name in (each for each in (*_OF_ONE, *_OF_MANY, *_OF_NAMES) if each in schema):
        found = schema[name]
        if isinstance(found, list) and name in (*_OF_MANY, "items"):  # a list of items is of older drafts
            yield from (((name, str(number)), each) for number, each in enumerate(found))
        elif isinstance(found, dict) and name in _OF_NAMES:
            yield from (((name, key), each) for key, each in found.items())
        else:
            yield (name,), found if name in _OF_ONE else None  # which is no schema


def _found(reference: str, root: Any) -> bool:
    """Whether a reference leads to a part of the schema; those by an anchor or to elsewhere are left to the model."""
    if reference != "#" and not reference.startswith("#/"):
        return not reference.startswith("#") or len(reference) > 1
    for part in reference.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(root, list) and name.isdecimal() and int(name) < len(root):
            root = root[int(name)]
        elif isinstance(root, dict) and name in root:
            root = root[name]
        else:
            return False
    return True


def _is_pattern(pattern: Any) -> bool:
    if not isinstance(pattern, str):
        return False
    for foreign, own in _FOREIGN:
        pattern = re.sub(foreign, own, pattern)
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _shown(value: Any) -> str:
    return f"«{quoted(str(value), 40)}»"
