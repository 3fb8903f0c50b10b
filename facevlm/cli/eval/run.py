"""`facevlm eval run`: ask a model what a suite asks, and score what it said."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from facevlm.cli import options, printing
from facevlm.cli.ending import say
from facevlm.cli.eval.options import (
    Data,
    InFlight,
    Limit,
    Marks,
    Out,
    Patience,
    Prompt,
    Reader,
    Rig,
    Samples,
    Seed,
    Shuffle,
    Split,
    SuiteName,
)
from facevlm.cli.eval.telling import tell_lost, tell_scores
from facevlm.errors import ModelError

if TYPE_CHECKING:
    from facevlm.evaluation.running import Outcome
    from facevlm.evaluation.session import Session
    from facevlm.evaluation.suite import Suite

EXAMPLES = options.examples(
    "facevlm eval run counts --out runs/counts                                # pictures that ship, no data needed",
    "facevlm eval run ferplus --data ferplus --out runs/ferplus               # run it again to go on where it stopped",
    "facevlm eval run emotion-7 --data raf-db --from rafdb --out runs/raf --limit 500 --shuffle 0",
    "facevlm eval run emotion-8 --data faces.jsonl --out runs/mine --model Qwen/Qwen3-VL-8B-Instruct "
    "--base-url http://localhost:8001/v1",
)


def run(
    suite: SuiteName,
    out: Out,
    data: Data = None,
    reader: Reader = None,
    split: Split = None,
    rig: Rig = None,
    model: options.ModelOption = "nano",
    adapter: options.AdapterOption = None,
    base_url: options.BaseUrlOption = None,
    api_key_env: options.ApiKeyOption = "OPENAI_API_KEY",
    prompt: Prompt = None,
    marks: Marks = None,
    limit: Limit = None,
    shuffle: Shuffle = None,
    samples: Samples = 1,
    seed: Seed = 0,
    in_flight: InFlight = 16,
    timeout: options.TimeoutOption = 120.0,
    patience: Patience = 120.0,
    threads: options.ThreadsOption = None,
) -> None:
    """Ask a model about the pictures of a suite, write a row for each answer, and score them.

    OUT gets run.json, rows.jsonl and scores.json. A second run of the same command does only what is missing; a changed
    prompt, adapter, suite or data set is refused. The exit status is 4 when the model failed on some pictures.
    """
    from facevlm import models
    from facevlm.evaluation import session
    from facevlm.evaluation import suite as suites
    from facevlm.evaluation.questions import load, narrowed

    chosen = session.adapted(suites.named(suite), prompt, marks)
    place = data or _rendered(chosen, rig, out, limit if shuffle is None else None)
    questions = narrowed(load(chosen, place, reader, split), limit, shuffle)
    tell_lost(questions)
    loaded = models.load(model, adapter, base_url, api_key_env, timeout, threads)
    asked = session.Asked(model, adapter, base_url, seed, samples, limit, shuffle, _command())
    begun = session.begin(chosen, questions, loaded, out, asked)
    outcome = _ask(begun, in_flight, patience)
    tell_scores(out)
    if outcome.failed:
        say(f"{out}: the model failed on {outcome.failed:,} pictures ({outcome.why}); run again to ask for them")
        raise typer.Exit(4)


def _ask(begun: Session, in_flight: int, patience: float) -> Outcome:
    """Ask all that is missing. Raises ModelError where the model gave no answer at all."""
    from facevlm.evaluation import running, session

    for condition, why in begun.left_out.items():
        say(f"{condition}: left out; {why}")
    total = running.total(begun.run.suite, begun.questions.items, begun.asker, begun.run.draws)
    with _progress(total) as tick:
        outcome = session.ask(begun, tick, in_flight, patience)
    if outcome.failed and outcome.failed == outcome.asked:
        raise ModelError(f"{outcome.why}; run again to go on from here")
    return outcome


def _rendered(suite: Suite, rig: Path | None, out: Path, most: int | None) -> Path | None:
    """The folder of the faces that a suite renders for itself, made or gone on with; None where it needs none."""
    from facevlm.data.synth.produce import produce
    from facevlm.evaluation import session

    recipe = session.recipe(suite, rig, most)
    if recipe is None or rig is None:
        return None
    with printing.progress(recipe.count, "Rendering") as tick:
        produce(recipe, rig, out / "pictures", tick=tick)
    return out / "pictures"


def _command() -> str:
    return shlex.join(["facevlm", *sys.argv[1:]])


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr with the answers there are, the rate and the time left."""
    from time import monotonic

    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    bar = Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal)
    with bar:
        task, started, here = bar.add_task("Asking", total=total, rate=""), monotonic(), 0

        def tick(done: int, before: int) -> None:
            nonlocal here
            here += done - before
            bar.update(task, advance=done, rate=f"{here / max(monotonic() - started, 1e-6):.1f}/s")

        yield tick
