"""`facevlm doctor`: the prerequisites, each with the command that fixes it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from facevlm.cli import options, printing

if TYPE_CHECKING:
    from facevlm.cli.checks import Finding

EXAMPLES = options.examples("facevlm doctor", "facevlm doctor --base-url http://localhost:8001/v1")
_MISSING = 3
_SIGNS = {"ok": "[green]ok[/]", "missing": "[red]missing[/]", "optional": "[dim]not there[/]"}


def doctor(
    base_url: options.BaseUrlOption = None,
    api_key_env: options.ApiKeyOption = "OPENAI_API_KEY",
    format: options.FormatOption = "table",
) -> None:
    """Check everything FaceVLM needs here, and say for what is missing the command that fixes it."""
    from facevlm.cli.checks import examine

    findings = examine(base_url, api_key_env)
    match format:
        case "table":
            printing.show(_table(findings))
        case "markdown":
            typer.echo(_markdown(findings))
        case "json":
            typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
        case "jsonl":
            for finding in findings:
                typer.echo(json.dumps(asdict(finding)))
    if any(finding.state == "missing" for finding in findings):
        raise typer.Exit(_MISSING)


def _table(findings: list[Finding]) -> Any:
    from rich.markup import escape
    from rich.table import Table

    table = Table("what", "state", "found", "to fix it", box=None, pad_edge=False)
    for finding in findings:
        table.add_row(finding.name, _SIGNS[finding.state], escape(finding.found), escape(finding.fix))
    return table


def _markdown(findings: list[Finding]) -> str:
    rows = [f"| {each.name} | {each.state} | {each.found} | {each.fix} |" for each in findings]
    return "\n".join(["| what | state | found | to fix it |", "|---|---|---|---|", *rows])
