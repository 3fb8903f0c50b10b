"""The command line: one file per command, each a thin layer over the packages beside it.

Nothing heavy is imported before a command runs, so that `facevlm --help` is instant.
"""

from __future__ import annotations

from typing import Annotated

import typer

from facevlm.cli import analyze, batch, chat, data, demo, doctor, index, match, models, serve, train
from facevlm.cli import app as page
from facevlm.cli import eval as evaluating
from facevlm.cli.ending import end
from facevlm.cli.options import examples

app = typer.Typer(
    name="facevlm",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples("facevlm demo", "facevlm analyze photo.jpg", "facevlm analyze *.jpg --format jsonl --out reports"),
)
app.command(epilog=demo.EXAMPLES)(demo.demo)
app.command(epilog=analyze.EXAMPLES)(analyze.analyze)
app.command(epilog=batch.EXAMPLES)(batch.batch)
app.command(epilog=chat.EXAMPLES)(chat.chat)
app.command(epilog=match.EXAMPLES)(match.match)
app.command(epilog=page.EXAMPLES)(page.app)
app.command(epilog=serve.EXAMPLES)(serve.serve)
app.add_typer(index.app, name="index")
app.add_typer(models.app, name="models")
app.command(epilog=doctor.EXAMPLES)(doctor.doctor)
app.add_typer(data.app, name="data")
app.add_typer(train.app, name="train")
app.add_typer(evaluating.app, name="eval")


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 2 input, 3 prerequisite, 4 model, 130 interrupted."""
    return end(app, arguments)


def _show_version(wanted: bool) -> None:
    if wanted:
        from facevlm import __version__

        typer.echo(f"facevlm {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[
        bool,
        typer.Option(
            "--debug", envvar="FACEVLM_DEBUG", help="Show the traceback of a failure; works on every command."
        ),
    ] = False,
) -> None:
    """Explain what the faces in a photograph show: action units first, then the emotion, each claim checked.

    FaceVLM speaks of expressions, not of what a person really feels, and identifies no one.
    """
