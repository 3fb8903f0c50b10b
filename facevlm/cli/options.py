"""The options several commands share, each with its `FACEVLM_…` variable."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from facevlm.errors import InputError

if TYPE_CHECKING:
    from facevlm.config import Settings

Format = Literal["table", "json", "jsonl", "markdown"]
Variant = Literal["plain", "box", "number", "landmarks"]

ModelOption = Annotated[
    str, typer.Option("--model", "-m", envvar="FACEVLM_MODEL", help="Model name; `facevlm models` lists them.")
]
AdapterOption = Annotated[
    str | None,
    typer.Option(
        "--adapter",
        envvar="FACEVLM_ADAPTER",
        help="LoRA adapter: a name in adapters/ or a folder; «none» for the bare base.",
    ),
]
BaseUrlOption = Annotated[
    str | None,
    typer.Option(
        "--base-url",
        envvar="FACEVLM_BASE_URL",
        help="OpenAI-compatible endpoint to ask instead, e.g. http://localhost:8001/v1.",
    ),
]
ApiKeyOption = Annotated[
    str,
    typer.Option(
        "--api-key-env", envvar="FACEVLM_API_KEY_ENV", help="Name of the variable that holds the endpoint's key."
    ),
]
PromptOption = Annotated[
    str, typer.Option("--prompt", envvar="FACEVLM_PROMPT", help="Prompt name, see the folder prompts/.")
]
MarksOption = Annotated[
    Variant, typer.Option("--marks", envvar="FACEVLM_MARKS", help="What is drawn on the faces the model sees.")
]
FormatOption = Annotated[
    Format, typer.Option("--format", "-f", envvar="FACEVLM_FORMAT", help="How the result is printed.")
]
TimeoutOption = Annotated[
    float,
    typer.Option("--timeout", envvar="FACEVLM_TIMEOUT", help="Seconds an endpoint may take for one answer."),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads", envvar="FACEVLM_THREADS", show_default="all cores", help="CPU threads of the local model."
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", envvar="FACEVLM_OUT", help="Folder for NAME.json, NAME.marked.png and NAME.html per image."
    ),
]


def examples(*lines: str) -> str:
    """The epilog of a command's help."""
    return "\n\n".join(["Examples:", *(f"  {line}" for line in lines)])


def settings(**given: Any) -> Settings:
    """The environment's settings with a command's own options over them.

    Raises:
        InputError: a value is out of range or not of its kind.
    """
    from pydantic import ValidationError

    from facevlm.config import Settings

    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"])
        raise InputError(
            f"FACEVLM_{name.upper()}={first['input']}: {first['msg'].lower()}; give another value or unset it"
        ) from None


def folder(path: Path) -> Path:
    """The folder results go to, made where it is not there yet.

    Raises:
        InputError: it cannot be made, or is a file.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be made a folder ({error.strerror}); give another with --out") from None
    return path
