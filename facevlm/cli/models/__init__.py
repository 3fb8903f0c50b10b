"""`facevlm models`: what can be used here; and of one adapter, whether it serves well, and its card."""

from __future__ import annotations

import typer

from facevlm.cli.models import card, verify
from facevlm.cli.models.listing import EXAMPLES, models

__all__ = ["EXAMPLES", "app", "models"]

app = typer.Typer(callback=models, invoke_without_command=True, epilog=EXAMPLES)
app.command(epilog=verify.EXAMPLES)(verify.verify)
app.command(epilog=card.EXAMPLES)(card.card)
