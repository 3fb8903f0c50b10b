"""`facevlm train`: make what ships again, or tune an adapter of your own. One file per command."""

from __future__ import annotations

import typer

from facevlm.cli.train import au, base, clip, cues, grpo, rounds, sft

app = typer.Typer(no_args_is_help=True, help="Train models, adapters and the measurement of action units.")
app.command(epilog=base.EXAMPLES)(base.base)
app.command(epilog=sft.EXAMPLES)(sft.sft)
app.command(epilog=grpo.EXAMPLES)(grpo.grpo)
app.command(epilog=rounds.EXAMPLES)(rounds.rounds)
app.command(epilog=clip.EXAMPLES)(clip.clip)
app.command(epilog=cues.EXAMPLES)(cues.cues)
app.command(epilog=au.EXAMPLES)(au.au)
