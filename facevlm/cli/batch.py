"""`facevlm batch`: answer a file of requests, here or over a Ray cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facevlm.cli import options
from facevlm.cli.ending import say
from facevlm.cli.options import option
from facevlm.errors import InputError

if TYPE_CHECKING:
    from facevlm.batch import Backend
    from facevlm.batch.cluster import Cluster
    from facevlm.batch.results import Counts, Results

EXAMPLES = options.examples(
    "facevlm batch requests.jsonl results.jsonl                     # run it again to go on where it stopped",
    "facevlm batch requests.jsonl results.jsonl --model Qwen/Qwen3-VL-8B-Instruct --base-url http://localhost:8001/v1",
    "facevlm batch requests.jsonl results.jsonl --retry-errors      # those on which the model failed, once more",
    "facevlm batch requests.jsonl results.jsonl --ray auto --workers 16",
)


def batch(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Requests, one JSON object a line; see docs/batch.md.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="File the results are added to; those in it are kept.")],
    model: options.ModelOption = "nano",
    adapter: options.AdapterOption = None,
    base_url: options.BaseUrlOption = None,
    api_key_env: options.ApiKeyOption = "OPENAI_API_KEY",
    prompt: options.PromptOption = "sov-cot",
    marks: options.MarksOption = "landmarks",
    timeout: options.TimeoutOption = 120.0,
    threads: options.ThreadsOption = None,
    in_flight: Annotated[int, option("--in-flight", "Requests under way at once, in each process.", min=1)] = 64,
    patience: Annotated[
        float,
        option("--patience", "Seconds a request is tried again whose model, having answered others, fails.", min=0),
    ] = 120.0,
    retry_errors: Annotated[
        bool, option("--retry-errors", "Ask again for results in OUT on which the model failed (429, 5xx).")
    ] = False,
    ray: Annotated[str | None, option("--ray", "Ray cluster to work on: its address, auto, or local.")] = None,
    workers: Annotated[int, option("--workers", "Processes on the Ray cluster.", min=1)] = 2,
    worker_gpus: Annotated[float, option("--worker-gpus", "GPUs of each of them.", min=0)] = 0.0,
) -> None:
    """Answer OpenAI batch lines, many at a time; a second run of the same command does only what is missing.

    A line is {"custom_id", "method", "url", "body"} or {"custom_id", "image", "question"}. A bad line gets an error
    line, and the others are done. The exit status is 0 when all were answered, 2 when lines were at fault, 4 when the
    model failed on some.
    """
    from facevlm import batch as batches
    from facevlm.batch import cluster

    if source.exists() and out.exists() and source.samefile(out):
        raise InputError(f"{out}: requests and results cannot be one file; give another for the results")
    backend = batches.Backend(
        model, adapter, base_url, api_key_env, prompt, marks, timeout, threads, in_flight, patience
    )
    over = cluster.Cluster(ray, workers, worker_gpus) if ray else None
    counts = answer(backend, source, out, retry_errors, over)
    if counts.exit_status:
        raise typer.Exit(counts.exit_status)


def answer(backend: Backend, source: Path, out: Path, retry: bool, over: Cluster | None) -> Counts:
    """Answer what is missing, here or over a cluster; returns how it then stands with the lines of the input."""
    from facevlm import batch as batches
    from facevlm.batch import cluster

    size = batches.length(source)
    results = batches.Results(out, retry=retry)
    if results.cut:
        say(f"{out}: the last line was cut short by a run before; its request is asked again")
    ended = False
    try:
        with _progress(size, results) as tick:
            if over is None:
                batches.run(backend.answerer(source.parent), source, results, tick, backend.in_flight)
            else:
                cluster.run(over, backend, source, results, tick)
        ended = True
    finally:
        results.close()
        if ended or results.counts.done:
            _sum_up(out, results.counts)
    return results.counts


@contextmanager
def _progress(size: int, results: Results) -> Iterator[Callable[[int], None]]:
    """A bar on stderr over the bytes of the input, with requests, rate and time left."""
    from rich.console import Console
    from rich.progress import Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (*Progress.get_default_columns()[:3], TextColumn("{task.fields[told]}"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task, started = bar.add_task("Answering", total=size, told=""), time.monotonic()

        def tick(done: int) -> None:
            here = results.counts.done - results.counts.there
            rate = here / max(time.monotonic() - started, 1e-6)
            bar.update(task, advance=done, told=f"{here:,} done, {rate:.1f}/s")

        yield tick


def _sum_up(out: Path, counts: Counts) -> None:
    told = f"{counts.answered:,} answered, {counts.at_fault:,} lines at fault, {counts.failed:,} failed by the model"
    say(f"{out}: {told}; {counts.there:,} of them were there already")
    if counts.twice:
        say(f"{counts.twice:,} lines left out: their custom_id was there before, first on line {counts.first_twice:,}")
    if counts.strange:
        say(f"{out}: {counts.strange:,} results belong to no line of the input; they were kept")
