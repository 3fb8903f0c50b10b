"""`facevlm data`: make, write and convert what models are trained on. One file per command."""

from __future__ import annotations

import typer

from facevlm.cli.data import convert, cot, rig, synth

app = typer.Typer(no_args_is_help=True, help="Synthetic faces, explanations to train on, data sets in one format.")
app.command(epilog=rig.EXAMPLES)(rig.rig)
app.command(epilog=synth.EXAMPLES)(synth.synth)
app.command(epilog=cot.EXAMPLES)(cot.cot)
app.command(epilog=convert.EXAMPLES)(convert.convert)
