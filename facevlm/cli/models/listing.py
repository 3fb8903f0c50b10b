"""`facevlm models`: what can be used here, and why something cannot."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from facevlm.cli import options, printing

if TYPE_CHECKING:
    from facevlm.models.registry import ModelInfo

EXAMPLES = options.examples("facevlm models", "facevlm models --base-url http://localhost:8001/v1 --format json")


def models(
    context: typer.Context,
    base_url: options.BaseUrlOption = None,
    api_key_env: options.ApiKeyOption = "OPENAI_API_KEY",
    format: options.FormatOption = "table",
) -> None:
    """List the models that can be used here, and for the others the reason and the remedy."""
    if context.invoked_subcommand is not None:
        return
    from facevlm.models import available

    found = available(base_url, api_key_env)
    match format:
        case "table":
            printing.show(_table(found))
        case "markdown":
            typer.echo(_markdown(found))
        case "json":
            typer.echo(json.dumps([asdict(model) for model in found], indent=2))
        case "jsonl":
            for model in found:
                typer.echo(json.dumps(asdict(model)))


def _table(found: list[ModelInfo]) -> Any:
    from rich.table import Table

    table = Table("model", "kind", "usable", "what it is")
    for model in found:
        table.add_row(model.name, model.kind, "yes" if model.usable else f"no: {model.why}", model.description)
    return table


def _markdown(found: list[ModelInfo]) -> str:
    rows = [f"| {m.name} | {m.kind} | {'yes' if m.usable else 'no: ' + m.why} | {m.description} |" for m in found]
    return "\n".join(["| model | kind | usable | what it is |", "|---|---|---|---|", *rows])
