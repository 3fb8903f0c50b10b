"""`facevlm analyze`: explain every face of the images given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facevlm.cli import options, printing
from facevlm.cli.ending import say

if TYPE_CHECKING:
    from facevlm.errors import FaceVLMError
    from facevlm.reasoning import FaceReasoner
    from facevlm.types import Analysis

EXAMPLES = options.examples(
    "facevlm analyze photo.jpg",
    "facevlm analyze *.jpg --format jsonl > results.jsonl",
    "facevlm analyze photo.jpg --out reports        # JSON, marked picture and a page to look at",
    "facevlm analyze photo.jpg --model Qwen/Qwen3-VL-8B-Instruct --base-url http://localhost:8001/v1",
)
_MODEL_FAILED = 4


def analyze(
    images: Annotated[list[str], typer.Argument(metavar="IMAGE", help="Photographs: JPEG, PNG, GIF, WebP, BMP, TIFF.")],
    model: options.ModelOption = "nano",
    adapter: options.AdapterOption = None,
    base_url: options.BaseUrlOption = None,
    api_key_env: options.ApiKeyOption = "OPENAI_API_KEY",
    prompt: options.PromptOption = "sov-cot",
    marks: options.MarksOption = "landmarks",
    format: options.FormatOption = "table",
    out: options.OutOption = None,
    timeout: options.TimeoutOption = 120.0,
    threads: options.ThreadsOption = None,
    batch_size: Annotated[
        int, typer.Option("--batch-size", envvar="FACEVLM_BATCH_SIZE", min=1, help="Faces the model answers together.")
    ] = 32,
) -> None:
    """Explain every face: its action units, the emotion read from them and why, each claim checked.

    A bad image is reported and the others still done; the exit status is then 2.
    """
    from facevlm.reasoning import FaceReasoner

    reports = None if out is None else options.folder(out)
    reasoner = FaceReasoner(
        model=model,
        adapter=adapter,
        prompt=prompt,
        base_url=base_url,
        api_key_env=api_key_env,
        marks=marks,
        settings=options.settings(timeout=timeout, threads=threads),
    )
    status = explain(reasoner, images, format, reports, batch_size)
    if status:
        raise typer.Exit(status)


def explain(
    reasoner: FaceReasoner, images: Sequence[str], form: options.Format, reports: Path | None, size: int
) -> int:
    """Analyse, print and write every image; returns the highest exit status that any of them calls for."""
    status = 0
    printer = printing.Printer(form, several=len(images) > 1)
    with printing.progress(len(images)) as tick:
        results = reasoner.analyze_many(images, batch_size=size, errors="return")
        for image, result in zip(images, results, strict=True):
            status = max(status, _finish(image, result, printer, reports))
            tick()
    printer.close()
    return status


def _finish(image: str, result: Analysis | FaceVLMError, printer: printing.Printer, reports: Path | None) -> int:
    if isinstance(result, Exception):
        say(result if str(result).startswith(image) else f"{image}: {result}")
        return result.exit_status
    printing.notices(result)
    printer.show(result)
    if reports is not None:
        _write(result, reports)
    return _MODEL_FAILED if any(face.error for face in result.faces) else 0


def _write(analysis: Analysis, reports: Path) -> None:
    from facevlm.reasoning import report

    written = report.write(analysis, reports)
    say(f"{analysis.image.source}: written {', '.join(str(path) for path in written)}")
