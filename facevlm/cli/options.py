"""The options several commands share, each with its `FACEVLM_…` variable."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from facevlm.errors import InputError

if TYPE_CHECKING:
    from pydantic_settings import BaseSettings

    from facevlm.config import Settings

Chosen = TypeVar("Chosen", bound="BaseSettings")

Format = Literal["table", "json", "jsonl", "markdown"]
Variant = Literal["plain", "box", "number", "landmarks"]


def option(names: str, help: str, *, variable: str | None = None, **more: Any) -> Any:
    """A `typer.Option` that may be set as `FACEVLM_…` too.

    Args:
        names: `--out -o`, or `--on/--off`; the first names the variable.
        help: what it is for.
        variable: where it is not named so.
        more: as `typer.Option` takes it.
    """
    words = names.split()
    name = variable or f"FACEVLM_{words[0].partition('/')[0].removeprefix('--').replace('-', '_').upper()}"
    return typer.Option(*words, envvar=name, help=help, **more)


ModelOption = Annotated[str, option("--model -m", "Model name; `facevlm models` lists them.")]
AdapterOption = Annotated[
    str | None, option("--adapter", "LoRA adapter: a name in adapters/ or a folder; «none» for the bare base.")
]
BaseUrlOption = Annotated[
    str | None, option("--base-url", "OpenAI-compatible endpoint to ask instead, e.g. http://localhost:8001/v1.")
]
ApiKeyOption = Annotated[str, option("--api-key-env", "Name of the variable that holds the endpoint's key.")]
PromptOption = Annotated[str, option("--prompt", "Prompt name, see the folder prompts/.")]
MarksOption = Annotated[Variant, option("--marks", "What is drawn on the faces the model sees.")]
FormatOption = Annotated[Format, option("--format -f", "How the result is printed.")]
TimeoutOption = Annotated[float, option("--timeout", "Seconds an endpoint may take for one answer.")]
ThreadsOption = Annotated[int | None, option("--threads", "CPU threads of the local model.", show_default="all cores")]
OutOption = Annotated[Path | None, option("--out -o", "Folder for NAME.json, NAME.marked.png and NAME.html per image.")]


def examples(*lines: str) -> str:
    """The epilog of a command's help."""
    return "\n\n".join(["Examples:", *(f"  {line}" for line in lines)])


def settings(**given: Any) -> Settings:
    """The environment's settings with a command's own options over them. Raises InputError as `checked` does."""
    from facevlm.config import Settings

    return checked(Settings, given)


def checked(kind: type[Chosen], given: Mapping[str, Any]) -> Chosen:
    """The environment's settings of a kind, with a command's own options over them.

    Raises:
        InputError: a value is out of range or not of its kind. It is told unless the kind hides it, as it may be a key.
    """
    from pydantic import ValidationError

    try:
        return kind(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        shown = "" if kind.model_config.get("hide_input_in_errors") else f"={first['input']}"
        said = first["msg"].removeprefix("Value error, ")
        raise InputError(
            f"FACEVLM_{name}{shown}: {said[0].lower()}{said[1:]}; give another value or unset it"
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
