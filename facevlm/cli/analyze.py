"""`facevlm analyze`: explain every face of the images given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facevlm.cli import options, printing
from facevlm.cli.ending import say

if TYPE_CHECKING:
    from facevlm.config import Settings
    from facevlm.errors import FaceVLMError
    from facevlm.matching.index import Examples
    from facevlm.reasoning import FaceReasoner
    from facevlm.types import Analysis

EXAMPLES = options.examples(
    "facevlm analyze photo.jpg",
    "facevlm analyze *.jpg --format jsonl > results.jsonl",
    "facevlm analyze photo.jpg --out reports        # JSON, marked picture and a page to look at",
    "facevlm analyze photo.jpg --second-opinion     # and what a matcher sees on the same faces",
    "facevlm analyze photo.jpg --model Qwen/Qwen3-VL-8B-Instruct --base-url http://localhost:8001/v1",
)
_MODEL_FAILED = 4

Addition = Callable[[str, "Analysis"], "Analysis"]  # what is added to the analysis of an image


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
    second_opinion: Annotated[
        bool,
        options.option("--second-opinion", "Add what a matcher sees, how far it is from the model, and both fused."),
    ] = False,
    matcher: Annotated[
        str, options.option("--matcher", "Matcher of the second opinion: nano-clip, or a folder.")
    ] = "nano-clip",
    examples: Annotated[
        int | None, options.option("--examples", "Show a large model so many labelled faces of --index first.", min=1)
    ] = None,
    index: Annotated[
        Path | None, options.option("--index", "Index of labelled faces that `facevlm index build` made.")
    ] = None,
    hints: Annotated[
        bool, options.option("--hints", "Tell a large model which action units were measured on each face.")
    ] = False,
) -> None:
    """Explain every face: its action units, the emotion read from them and why, each claim checked.

    A bad image is reported and the others still done; the exit status is then 2.
    """
    from facevlm.reasoning import FaceReasoner

    reports = None if out is None else options.folder(out)
    settings = options.settings(timeout=timeout, threads=threads)
    add = _opinion(matcher, settings) if second_opinion else None
    reasoner = FaceReasoner(
        model=model,
        adapter=adapter,
        prompt=prompt,
        base_url=base_url,
        api_key_env=api_key_env,
        marks=marks,
        settings=settings,
        examples=None if examples is None else _examples(examples, index, settings),
        hints=hints,
    )
    status = explain(reasoner, images, format, reports, batch_size, add)
    if status:
        raise typer.Exit(status)


def explain(
    reasoner: FaceReasoner,
    images: Sequence[str],
    form: options.Format,
    reports: Path | None,
    size: int,
    add: Addition | None = None,
) -> int:
    """Analyse, print and write every image; returns the highest exit status that any of them calls for."""
    status = 0
    printer = printing.Printer(form, several=len(images) > 1)
    with printing.progress(len(images)) as tick:
        results = reasoner.analyze_many(images, batch_size=size, errors="return")
        for image, result in zip(images, results, strict=True):
            if add is not None and not isinstance(result, Exception):
                result = add(image, result)
            status = max(status, _finish(image, result, printer, reports))
            tick()
    printer.close()
    return status


def _examples(count: int, folder: Path | None, settings: Settings) -> Examples:
    """What chooses examples; raises as `Index` and `Examples` do."""
    from facevlm.cli.index.pictures import opener
    from facevlm.errors import InputError
    from facevlm.matching.index import Examples, Index

    if folder is None:
        raise InputError(f"--examples {count}: taken from an index; name it with --index")
    index = Index(folder)
    return Examples(index, index.matcher(settings.threads), count, opener(Path(index.description.source)))


def _opinion(matcher: str, settings: Settings) -> Addition:
    """What adds a second opinion; raises as `Matcher` does."""
    from facevlm.faces import decode
    from facevlm.matching.matcher import Matcher
    from facevlm.matching.matching import Choice
    from facevlm.matching.opinion import second_opinion
    from facevlm.types import EMOTIONS

    choice = Choice(Matcher(matcher, threads=settings.threads), EMOTIONS)
    return lambda image, analysis: second_opinion(choice, analysis, decode(image, settings))


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
