"""`facevlm eval score`: figures of answers there are; no model is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facevlm.cli import options
from facevlm.cli.eval.options import Data, Heat, Reader, Split
from facevlm.cli.eval.telling import tell_lost, tell_scores
from facevlm.errors import InputError

EXAMPLES = options.examples(
    "facevlm eval score runs/ferplus                          # after a change of figures, or of a killed run",
    "facevlm eval score results.jsonl --suite emotion-8 --data faces.jsonl --out runs/mine   # of `facevlm batch`",
)


def score(
    answers: Annotated[
        Path, typer.Argument(metavar="ANSWERS", help="Folder of a run, or the file that `facevlm batch` wrote.")
    ],
    suite: Annotated[
        str | None,
        typer.Option("--suite", envvar="FACEVLM_SUITE", help="For the answers of a batch: the suite that judges them."),
    ] = None,
    data: Data = None,
    reader: Reader = None,
    split: Split = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", envvar="FACEVLM_OUT", help="For the answers of a batch: folder for the run made of them."
        ),
    ] = None,
    heat: Heat = None,
) -> None:
    """Make the figures of a run again from its rows; or make a run of a batch's answers, joined to labels by id."""
    if answers.is_dir():
        if heat is not None:
            _add_heat(answers, heat)
        tell_scores(answers)
        return
    if suite is None or out is None:
        raise InputError(f"{answers}: no folder of a run; for the answers of a batch give --suite, --data and --out")

    from facevlm.evaluation import joining, questions
    from facevlm.evaluation import suite as suites

    chosen = suites.named(suite)
    asked = questions.load(chosen, data, reader, split)
    tell_lost(asked)
    joining.join(answers, chosen, asked, out)
    tell_scores(out)


def _add_heat(folder: Path, heat: Path) -> None:
    """Put into the run where the maps are, so that its figures can be made again."""
    from facevlm.evaluation import run

    told = run.read(folder)
    run.write(folder, told.model_copy(update={"suite": told.suite.model_copy(update={"heat": str(heat.absolute())})}))
