"""`facevlm index build`: an index of the faces of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facevlm.cli import options, printing
from facevlm.cli.ending import say
from facevlm.cli.index import pictures

EXAMPLES = options.examples(
    "facevlm index build faces --out faces.index                # faces/happiness/a.jpg is labelled happiness",
    "facevlm index build raf-db --labels samples/train.jsonl --out raf-db.index",
    "facevlm index build photos --labels none --out photos.index",
)
_INDEX = "FACEVLM_INDEX"
_MODELS = "Matcher: nano-clip, a folder, or an open_clip model."
_LABELS = "«folder»: that a picture lies in. FILE.jsonl: of neutral samples, whose pictures lie in DIR. «none»."


def build(
    source: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of pictures.")],
    out: Annotated[Path, options.option("--out -o", "Folder of the index; a run cut short goes on.", variable=_INDEX)],
    model: Annotated[str, options.option("--model -m", _MODELS, variable="FACEVLM_MATCHER")] = "nano-clip",
    checkpoint: Annotated[
        str | None, options.option("--checkpoint", "Weights of an open_clip model: a file, or a tag it has downloaded.")
    ] = None,
    labels: Annotated[str, options.option("--labels", _LABELS, variable="FACEVLM_INDEX_LABELS")] = pictures.FOLDER,
    threads: options.ThreadsOption = None,
) -> None:
    """Build an index of faces, to show the nearest of them as examples, and print its folder.

    Pictures are not copied, and the index is of expressions: it finds none by who they are. A picture that cannot be
    used is named and the others are done.
    """
    from facevlm.matching.index import Plan
    from facevlm.matching.index import build as build_index
    from facevlm.matching.matcher import Matcher

    given = pictures.given(source, labels)
    matcher = Matcher(model, checkpoint, options.settings(threads=threads).threads)
    plan = Plan(
        matcher=_lasting(model),
        checkpoint=None if checkpoint is None else _lasting(checkpoint),
        fingerprint=matcher.fingerprint,
        source=str(source.resolve()),
        labels=labels if labels in (pictures.FOLDER, pictures.NONE) else str(Path(labels).resolve()),
    )
    with printing.progress(len({each.picture for each in given}), "Indexing") as tick:
        built = build_index(matcher, plan, given, pictures.opener(source), out, tick, say)
    left_out = f"; {built.left_out} left out, as said above" if built.left_out else ""
    say(f"{out}: {built.faces:,} faces of {built.pictures:,} pictures, {built.labelled:,} of them labelled{left_out}")
    typer.echo(out)


def _lasting(place: str) -> str:
    """A path that is right from any folder; a name as it is."""
    return str(Path(place).expanduser().resolve()) if Path(place).expanduser().exists() else place
