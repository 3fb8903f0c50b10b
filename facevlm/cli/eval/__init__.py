"""`facevlm eval`: models judged on labelled pictures. One file per command."""

from __future__ import annotations

import typer

from facevlm.cli.eval import compare, fairness, listing, report, run, score

app = typer.Typer(no_args_is_help=True, help="Models judged on labelled pictures, with intervals; runs compared.")
app.command("list", epilog=listing.EXAMPLES)(listing.list_suites)
app.command(epilog=run.EXAMPLES)(run.run)
app.command(epilog=score.EXAMPLES)(score.score)
app.command(epilog=compare.EXAMPLES)(compare.compare)
app.command(epilog=report.EXAMPLES)(report.report)
app.command(epilog=fairness.EXAMPLES)(fairness.fairness)
app.command("fairness-faces", epilog=fairness.FACES_EXAMPLES)(fairness.faces)
