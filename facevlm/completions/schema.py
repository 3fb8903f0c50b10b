"""Whether a JSON schema that a request brings is one, as far as can be told without a model.

A schema that no answer can be bound to would come back as a failure of the model, which it is not.
"""

from __future__ import annotations

from typing import Any

import jsonschema_rs

from facevlm.errors import InputError, quoted

_DRAFTS = (jsonschema_rs.validator_for, jsonschema_rs.Draft7Validator)  # what it names or the newest, else what is old


def check_schema(schema: dict[str, Any]) -> None:
    """Raises InputError, with the place and the value, where a schema is none; nothing is fetched for it."""
    faults = [_fault(draft, schema) for draft in _DRAFTS]
    if all(faults):
        raise InputError(f"{faults[0]}; correct the schema")


def _fault(draft: Any, schema: dict[str, Any]) -> str | None:
    try:
        draft(schema, retriever=lambda _: {})
    except jsonschema_rs.ValidationError as error:
        place, why = [str(part) for part in error.instance_path], error.message
    except ValueError as error:  # of nesting
        place, why = [], str(error)
    else:
        return None
    where = ".".join(("response_format", "json_schema", "schema", *place))
    return f"{quoted(where)}: {quoted(why, 120)}"
