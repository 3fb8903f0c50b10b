"""`facevlm models verify`: whether an endpoint serves an adapter as it was trained, token by token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facevlm.cli import options, printing
from facevlm.cli.ending import say
from facevlm.cli.models.pictures import made, of_folder
from facevlm.errors import InputError, ModelError

if TYPE_CHECKING:
    from PIL.Image import Image

    from facevlm.models.parity import Compared, Parity
    from facevlm.reasoning import FaceReasoner

EXAMPLES = options.examples(
    "facevlm models verify nano-facs --base-url http://localhost:8001/v1",
    "facevlm models verify my-facs --model my-base --base-url http://localhost:8001/v1 --pictures photos",
)


def verify(
    adapter: Annotated[
        str, typer.Argument(metavar="ADAPTER", help="A name in adapters/ or a folder; «none» for the bare base.")
    ],
    base_url: Annotated[
        str,
        options.option("--base-url", "The endpoint that serves it, in float32, e.g. vLLM's."),
    ],
    model: options.ModelOption = "nano",
    served_as: Annotated[
        str | None,
        options.option("--served-as", "The endpoint's id of the adapter.", show_default="the adapter's name"),
    ] = None,
    pictures: Annotated[
        Path | None,
        options.option(
            "--pictures", "Folder whose first ten pictures are asked about.", show_default="ten of one photograph"
        ),
    ] = None,
    tokens: Annotated[int, options.option("--tokens", "Tokens compared of each answer, at most.", min=1)] = 256,
    prompt: options.PromptOption = "sov-cot",
    api_key_env: options.ApiKeyOption = "OPENAI_API_KEY",
    timeout: options.TimeoutOption = 120.0,
    threads: options.ThreadsOption = None,
) -> None:
    """Compare greedy answers of transformers and peft in this process with an endpoint's; fail on any difference.

    Both sides write in float32 and unbound by a schema. The exit status is 4 where any token differs.
    """
    from facevlm.config import demo_picture
    from facevlm.models import parity
    from facevlm.reasoning import FaceReasoner

    asked: Mapping[str, Path | Image] = of_folder(pictures) if pictures else made(demo_picture())
    settings = options.settings(timeout=timeout, threads=threads)
    both = parity.compared(
        adapter, model, base_url, served_as=served_as, api_key_env=api_key_env, timeout=timeout, threads=threads,
        tokens=tokens,
    )  # fmt: skip
    reasoner, outcomes = FaceReasoner(model=both, prompt=prompt, settings=settings), []
    with printing.progress(len(asked), "Comparing") as tick:
        for name, picture in asked.items():
            outcomes.append(_outcome(name, picture, reasoner, both))
            tick()
    _show(outcomes, base_url)
    _end(outcomes, base_url)


@dataclass(frozen=True)
class Outcome:
    """What came of one picture: a comparison for each time the model was asked about it, or why there is none."""

    picture: str
    found: tuple[Parity, ...] = ()
    unread: str = ""


def _outcome(name: str, picture: Path | Image, reasoner: FaceReasoner, both: Compared) -> Outcome:
    before = len(both.found)
    try:
        reasoner.analyze(picture)
    except InputError as error:
        return Outcome(name, unread=str(error))
    return Outcome(name, tuple(both.found[before:]))


def _show(outcomes: Sequence[Outcome], base_url: str) -> None:
    from rich.table import Column, Table
    from rich.text import Text

    written = [Column(side, overflow="fold") for side in ("here", base_url)]
    table = Table("picture", "tokens", "result", *written)
    for outcome in outcomes:
        for row in _rows(outcome):
            table.add_row(*map(Text, row))  # Text: what a model wrote is no markup
    printing.show(table)


def _rows(outcome: Outcome) -> list[tuple[str, ...]]:
    if not outcome.found:
        return [(outcome.picture, "", outcome.unread or "no face found", "", "")]
    return [(outcome.picture, str(each.tokens), _result(each), each.here, each.there) for each in outcome.found]


def _result(found: Parity) -> str:
    return "equal" if found.part is None else f"{found.part} differs from {found.by} {found.place} on"


def _end(outcomes: Sequence[Outcome], base_url: str) -> None:
    """Say in a line what the table shows. Raises ModelError where answers differ, InputError where pictures failed."""
    found = [each for outcome in outcomes for each in outcome.found]
    if not found:
        raise InputError("nothing was compared: no face was found in any picture; give others with --pictures")
    differing = sum(each.part is not None for each in found)
    if differing:
        raise ModelError(
            f"{differing} of {len(found)} answers differ; serve the same files in float32, see docs/adapters.md"
        )
    how = "" if found[0].by == "token" else ", by their text: the endpoint tells no token ids"
    say(f"{len(found)} of {len(found)} answers of {base_url} are equal{how}")
    unread = [outcome.picture for outcome in outcomes if outcome.unread]
    if unread:
        raise InputError(f"{', '.join(unread)}: could not be read, see the table")
