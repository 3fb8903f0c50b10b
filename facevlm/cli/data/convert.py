"""`facevlm data convert`: a data set, or samples, as the rows a trainer reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from facevlm.cli import options, printing
from facevlm.cli.ending import say
from facevlm.errors import InputError

if TYPE_CHECKING:
    from facevlm.data.readers import Reading
    from facevlm.data.sample import Rejected

EXAMPLES = options.examples(
    "facevlm data convert raf-db samples --from rafdb                    # one neutral format, samples/train.jsonl",
    "facevlm data convert faces.jsonl samples --from own --limit 100",
    "facevlm data convert texts.jsonl sft --to trl --picture crop        # texts.jsonl is of `facevlm data cot`",
    "facevlm data convert texts.jsonl sft --to llama-factory --picture marked",
)
SAMPLES = "samples"
_SHOWN = 20  # rejected rows that are named; the others are counted

Target = Literal["samples", "trl", "llama-factory", "ms-swift"]
Treatment = Literal["as-given", "crop", "marked"]


def convert(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A data set's folder, or a file of samples.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for SPLIT.jsonl and images/.")],
    kind: Annotated[
        str,
        options.option(
            "--from",
            "What SOURCE is: samples, ferplus, rafdb, rafdb-compound, affectnet, ckplus, disfa, bp4d, emotionet, "
            "faba, fea20k, or own (a folder of pictures per emotion, a CSV table or JSON lines).",
        ),
    ] = SAMPLES,
    to: Annotated[Target, options.option("--to", "The format of the rows.")] = "samples",
    split: Annotated[str, options.option("--split", "The split that is read; nothing else is touched.")] = "train",
    picture: Annotated[
        Treatment,
        options.option(
            "--picture",
            "What a row shows: the picture as given, a marked crop of the face, or the whole picture marked.",
        ),
    ] = "as-given",
    size: Annotated[int, options.option("--size", "Side of a crop in pixels.", min=32)] = 224,
    limit: Annotated[int | None, options.option("--limit", "Only so many faces, the first ones.", min=1)] = None,
) -> None:
    """Read a data set into samples, or turn samples into rows to train on.

    Prints the file it wrote; stderr says what was found beside what is published, and each row that could not be read.
    Run again after an interruption: pictures that are there are not made again.
    """
    from facevlm.data import convert as conversion
    from facevlm.data.counts import Counts, counted, report
    from facevlm.data.readers import Expected

    reading, root = _reading(kind, source, split)
    if (out / f"{split}.jsonl").absolute() == source.absolute():
        raise InputError(f"{out}: would write over {source}; give another OUT")
    counts = Counts()
    total = limit or reading.expected.samples or reading.expected.labelled or 0
    with printing.progress(total, "Converting") as tick:
        samples = counted(islice(reading.samples, limit), counts, tick)
        done = conversion.convert(samples, root, out, to, split=split, treatment=picture, size=size)
    published = Expected() if limit or kind == SAMPLES else reading.expected  # nobody published one's own samples
    for line in report(counts, published):
        say(line)
    _tell([*reading.rejected, *done.rejected])
    say(f"rows written: {done.rows:,}")
    typer.echo(done.file)


def _reading(kind: str, source: Path, split: str) -> tuple[Reading, Path]:
    """What is read, and the folder its pictures are relative to."""
    from facevlm.data.readers import READERS

    if kind == SAMPLES:
        return _samples(source, split), source.parent
    if kind not in READERS:
        raise InputError(f"--from {kind}: no reader is called so; use one of {', '.join([SAMPLES, *READERS])}")
    if not source.exists():
        raise InputError(f"{source}: there is no such folder or file; check the path")
    return READERS[kind](source, split), source if source.is_dir() else source.parent


def _samples(source: Path, split: str) -> Reading:
    """The samples of a file that belong to the split, or to none."""
    from facevlm.data.readers import Expected, Reading
    from facevlm.data.sample import read_samples

    if source.is_dir():
        raise InputError(f"{source}: a folder is no file of samples; say what it is with --from")
    samples, rejected = read_samples(source)
    wanted = [sample for sample in samples if sample.split in (None, split)]
    if len(wanted) < len(samples):
        say(f"samples of another split, left out: {len(samples) - len(wanted):,}")
    return Reading(iter(wanted), Expected(samples=len(wanted)), rejected)


def _tell(rejected: Sequence[Rejected]) -> None:
    """Name the first rows that were rejected, then count them all."""
    for row in rejected[:_SHOWN]:
        say(row)
    if len(rejected) > _SHOWN:
        say(f"… and {len(rejected) - _SHOWN:,} more")
    for reason, count in Counter(row.reason for row in rejected).most_common(3):
        if count > 1:
            say(f"{count:,} rows: {reason}")
    if rejected:
        say(f"rows rejected: {len(rejected):,}")
