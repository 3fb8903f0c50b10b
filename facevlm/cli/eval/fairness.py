"""`facevlm eval fairness` and `fairness-faces`: whether a model does as well by everyone, and faces to ask about."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from facevlm.cli import options, printing
from facevlm.cli.ending import say
from facevlm.cli.eval.telling import show
from facevlm.cli.eval.telling import table as as_table
from facevlm.errors import FaceVLMError, InputError

if TYPE_CHECKING:
    from facevlm.evaluation.fairness import Fairness
    from facevlm.evaluation.rows import Row

EXAMPLES = options.examples(
    "facevlm eval fairness-faces made --rig ict_facekit.npz",
    "facevlm eval run fairness --data made --out runs/fairness",
    "facevlm eval fairness runs/fairness                      # one factor at a time, pair by pair",
    "facevlm eval fairness runs/rafdb --tone                  # groups of real faces, by measured skin tone",
    "facevlm eval fairness runs/mine --by lighting --by camera   # by what the data set says of each face",
)
FACES_EXAMPLES = options.examples("facevlm eval fairness-faces made --rig ict_facekit.npz --people 20")


def fairness(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a run.")],
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            envvar="FACEVLM_BY",
            help="Group faces by what the data set tells of each; a wrong NAME is answered with those there are.",
        ),
    ] = None,
    tone: Annotated[
        bool, typer.Option("--tone", envvar="FACEVLM_TONE", help="Group faces by skin tone, measured in the pictures.")
    ] = False,
    format: Annotated[
        Literal["table", "json"], typer.Option("--format", "-f", envvar="FACEVLM_FORMAT", help="How it is printed.")
    ] = "table",
) -> None:
    """Compare answers between levels of a factor on made faces, or between groups of a data set, with intervals.

    What is found goes into fairness.json in DIR, and into its report.
    """
    from facevlm.evaluation import fairness as findings
    from facevlm.evaluation import fairness_levels, keeping, run

    heading = run.read(folder).suite.conditions[0].name
    rows = [row for row in keeping.read(folder) if row.condition == heading and row.draw == 0]
    parts = [fairness_levels.audit(rows), *(_by(rows, name) for name in by or ()), *([_by_tone(rows)] if tone else [])]
    found = findings.joined(parts)
    if not found.gaps:
        raise InputError(f"{folder}: not of the suite fairness, and no groups to compare; give --tone, or --by NAME")
    findings.write(folder, found)
    for name, count in found.left_out.items():
        say(f"{name}: {count} faces, too few to compare")
    _print(found, format)


def faces(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the faces; a run cut short goes on there.")],
    rig: Annotated[
        Path, typer.Option("--rig", envvar="FACEVLM_RIG", help="Face model of `facevlm data rig`, see the README.")
    ],
    people: Annotated[
        int,
        typer.Option(
            "--people", envvar="FACEVLM_PEOPLE", min=2, help="Persons who show each expression, 192 faces each."
        ),
    ] = 20,
    workers: Annotated[int, typer.Option("--workers", envvar="FACEVLM_WORKERS", min=1, help="Processes.")] = 2,
) -> None:
    """Render faces on which one factor at a time varies: skin tone, shape, light, pose, and the expression alone."""
    from facevlm.data.synth import audit

    total = sum(1 for _ in audit.pictures(people))
    with printing.progress(total, "Rendering") as tick:
        typer.echo(audit.make(rig, out, people, workers, tick))


def _by(rows: Sequence[Row], name: str) -> Fairness:
    from facevlm.evaluation import fairness_groups

    if not any(name in row.group for row in rows):
        known = sorted({key for row in rows for key in row.group}) or ["none"]
        raise InputError(f"--by {name}: no face has it; the data set tells {', '.join(known)}")
    return fairness_groups.between(rows, name, lambda row: row.group.get(name))


def _by_tone(rows: Sequence[Row]) -> Fairness:
    """The tones of the pictures that may be read again; others, and grey ones, have none."""
    from facevlm.evaluation import fairness_groups, fairness_tone

    tones: dict[str, str | None] = {}
    with printing.progress(len(rows), "Measuring skin tone") as tick:
        for row in rows:
            try:
                tones[row.id] = fairness_tone.of_file(Path(row.image)) if row.image else None
            except FaceVLMError:
                tones[row.id] = None
            tick()
    unknown = sum(tone is None for tone in tones.values())
    if unknown:
        say(
            f"no skin tone could be measured of {unknown:,} of {len(rows):,} pictures: grey, no face, or not to be read"
        )
    return fairness_groups.between(rows, "skin tone measured", lambda row: tones[row.id])


def _print(found: Fairness, form: str) -> None:
    if form == "json":
        typer.echo(found.model_dump_json(indent=1))
        return
    from facevlm.evaluation.report import table

    for each in table.of_fairness(found, ""):
        show(as_table(each.head, each.rows, each.title))
