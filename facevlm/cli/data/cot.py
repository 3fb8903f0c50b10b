"""`facevlm data cot`: write explanations and questions for faces whose action units are known or measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from facevlm.cli import options, printing
from facevlm.cli.ending import say
from facevlm.errors import FaceVLMError, InputError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from facevlm.data.cot.ledger import Ledger
    from facevlm.data.cot.rows import Plan, Subject
    from facevlm.data.sample import Sample

EXAMPLES = options.examples(
    "facevlm data cot samples.jsonl explained.jsonl",
    "facevlm data cot samples.jsonl small.jsonl --form short --aus measured --per-face 4",
    "facevlm data cot samples.jsonl asked.jsonl --per-face 0 --questions 6",
    "facevlm data cot samples.jsonl reworded.jsonl --rewrite --model qwen3 --base-url http://localhost:8001/v1",
)
_AT_ONCE = 16  # requests to the rewriting model in flight

Ask = Callable[[str], str]


@dataclass
class _Run:
    """One run: what it writes, where, and what it counts."""

    plan: Plan
    ledger: Ledger
    root: Path
    aus: Literal["auto", "truth", "measured"]
    ask: Ask | None
    counts: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)


def cot(
    samples: Annotated[Path, typer.Argument(metavar="SAMPLES", help="Neutral samples, one JSON object a line.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="File the rows are added to; rows in it are kept.")],
    form: Annotated[
        Literal["short", "long"],
        options.option("--form", "The JSON of small models, or prose for large ones."),
    ] = "long",
    per_face: Annotated[int, options.option("--per-face", "Explanations of each face.", min=0)] = 1,
    questions: Annotated[int, options.option("--questions", "Questions on each face, at most.", min=0)] = 0,
    seed: Annotated[int, options.option("--seed", "One seed, one result.")] = 0,
    aus: Annotated[
        Literal["auto", "truth", "measured"],
        options.option(
            "--aus", "Action units of the data set, those measured on the picture, or the first where there are any."
        ),
    ] = "auto",
    rewrite: Annotated[
        bool,
        options.option("--rewrite", "Have a model reword long texts; kept where they say the same."),
    ] = False,
    model: Annotated[str | None, options.option("--model -m", "The rewriting model's id.")] = None,
    base_url: options.BaseUrlOption = None,
    api_key_env: options.ApiKeyOption = "OPENAI_API_KEY",
    timeout: options.TimeoutOption = 120.0,
) -> None:
    """Write explanations of faces, from their action units to what the expression reads as, and questions on them.

    A sample that cannot be used is reported and the others are done; a second run makes only what is missing.
    """
    from facevlm.data.cot.ledger import Ledger
    from facevlm.data.cot.rows import Plan
    from facevlm.data.sample import read_samples

    ask = _asker(form, model, base_url, api_key_env, timeout, seed) if rewrite else None
    given, rejected = read_samples(samples)
    run = _Run(Plan(form, per_face, questions, seed), Ledger(out), samples.parent, aus, ask)
    for row in (*rejected, *run.ledger.rejected):
        say(row)
    run.counts["left out"] += len(rejected)
    _write(run, given)
    _sum_up(run, len(given) + len(rejected))
    if not run.ledger.ids:
        raise InputError(f"{samples}: no row could be made of it; see what is said of each sample above")


def _asker(form: str, model: str | None, base_url: str | None, api_key_env: str, timeout: float, seed: int) -> Ask:
    """What hands a request to the model and returns its words. Raises ModelError where it gives none."""
    from facevlm import models
    from facevlm.types import Conversation, Turn

    if form != "long":
        raise InputError("--rewrite rewords prose, and --form short writes JSON; use --form long")
    if model is None or base_url is None:
        raise InputError("--rewrite asks a model; name it with --model and its endpoint with --base-url")
    asked = models.load(model, base_url=base_url, api_key_env=api_key_env, timeout=timeout)

    def ask(text: str) -> str:
        (answer,) = asked.generate([Conversation(turns=(Turn(role="user", text=text),))], temperature=0.7, seed=seed)
        if isinstance(answer, FaceVLMError):
            raise answer
        return answer.text

    return ask


def _write(run: _Run, given: list[Sample]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    pictures = (list(faces) for _, faces in groupby(given, key=lambda sample: sample.image))
    with printing.progress(len(given)) as tick, ThreadPoolExecutor(_AT_ONCE) as pool:
        rows = (row for faces in pictures for row in _of_picture(run, faces, tick))
        while batch := list(islice(rows, 1 if run.ask is None else _AT_ONCE)):
            if run.ask is not None:
                batch = _reworded(run, batch, pool)
            run.counts["written"] += run.ledger.add(batch)


def _of_picture(run: _Run, faces: list[Sample], tick: Callable[[], None]) -> Iterator[Sample]:
    """The rows still to be written of the faces of one picture."""
    from facevlm.data.cot import rows

    subjects = []
    for sample in faces:
        made = [name for name in run.plan.ids(sample) if name in run.ledger.ids]
        run.counts["there already"] += len(made)
        if (run.plan.questions and len(faces) > 1) or len(made) < len(run.plan.ids(sample)):
            try:
                subjects.append(each := _subject(run, sample))
                yield from _fresh(run, (*rows.explained(each, run.plan), *rows.asked(each, run.plan)))
            except InputError as error:
                say(f"sample {sample.id}: {error}")
                run.counts["left out"] += 1
        tick()
    if run.plan.questions:
        yield from _fresh(run, rows.compared(subjects, run.plan))


def _fresh(run: _Run, rows: Iterable[Sample]) -> Iterator[Sample]:
    return (row for row in rows if row.id not in run.ledger.ids)


def _subject(run: _Run, sample: Sample) -> Subject:
    """The sample made ready. Raises InputError where it cannot be."""
    from facevlm.data.cot import measuring, rows

    measured = run.aus == "measured" or (run.aus == "auto" and sample.aus is None)
    face = measuring.measure(sample, run.root) if measured else None
    each = rows.subject(rows.moved(sample, run.root, run.ledger.path.parent), face)
    if each.label is None and not run.plan.questions:
        raise InputError("has no label, and its action units make no prototype; ask --questions of it")
    return each


def _reworded(run: _Run, batch: list[Sample], pool: Executor) -> list[Sample]:
    """The rows, those in prose in the model's words where it says the same."""
    from facevlm.data.cot import rewrite

    ask = run.ask
    assert ask is not None
    prose = [row for row in batch if row.details["form"] == "long"]
    told = dict(zip((row.id for row in prose), pool.map(lambda row: rewrite(row.text or "", ask), prose), strict=True))
    run.refused.update(each.refused for each in told.values() if each.refused is not None)
    kept = {name: each.text for name, each in told.items() if each.refused is None}
    run.counts["reworded"] += len(kept)
    return [_with_text(row, kept[row.id]) if row.id in kept else row for row in batch]


def _with_text(row: Sample, text: str) -> Sample:
    return row.model_copy(update={"text": text, "details": row.details | {"rewritten": True}})


def _sum_up(run: _Run, total: int) -> None:
    counts = run.counts
    told = f"{counts['written']} rows written, {counts['there already']} there already"
    say(f"{run.ledger.path}: {told}; {counts['left out']} of {total} samples left out")
    if run.ask is not None:
        why = ", ".join(f"{reason} {count}" for reason, count in run.refused.most_common())
        say(f"{counts['reworded']} rewrites kept, {run.refused.total()} refused{f': {why}' if why else ''}")
