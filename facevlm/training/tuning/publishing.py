"""What a tuning run leaves: an adapter that peft loads and vLLM serves, and what is to be known of it."""

from __future__ import annotations

import json
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

from facevlm import __version__
from facevlm.errors import InputError
from facevlm.training.tuning import curves
from facevlm.training.tuning.recipe import Tuning, text

RECIPE, FACTS, TEMPLATE = "recipe.yaml", "run.json", "chat_template.jinja"
_LIBRARIES = ("torch", "transformers", "peft", "trl", "accelerate")


def check(out: Path) -> None:
    """Make sure that a run can leave its result here, before it starts.

    Raises:
        InputError: there is something else.
    """
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not (out / FACTS).is_file()):
        raise InputError(f"{out}: holds something else than the result of such a run; give another --out")


def publish(model: Any, processor: Any, recipe: Tuning, facts: dict[str, Any], work: Path, out: Path) -> None:
    """Write adapter, recipe, facts and curves to a folder, whole or not at all; an earlier result there is replaced.

    Raises:
        InputError: it cannot be written.
    """
    partial, old = (out.with_name(f"{out.name}.{ending}") for ending in ("partial", "old"))
    try:
        for folder in (partial, old):
            shutil.rmtree(folder, ignore_errors=True)
        partial.mkdir(parents=True)
        _write(model, processor, recipe, facts, work, partial)
        if out.exists():
            out.rename(old)
        partial.rename(out)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        why = error.strerror or error
        raise InputError(f"{out}: cannot be written ({why}); give another --out, the run is kept in {work}") from None


def versions() -> dict[str, str]:
    """The versions of the libraries a run depends on."""
    return {"facevlm": __version__} | {library: version(library) for library in _LIBRARIES}


def _write(model: Any, processor: Any, recipe: Tuning, facts: dict[str, Any], work: Path, folder: Path) -> None:
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)  # peft's empty form of a card
    (folder / TEMPLATE).write_text(processor.chat_template, encoding="utf-8")  # as trained; vLLM takes --chat-template
    (folder / RECIPE).write_text(text(recipe), encoding="utf-8")
    (folder / FACTS).write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    logged = curves.read(work / curves.JSON)
    (folder / curves.JSON).write_text("".join(json.dumps(row) + "\n" for row in logged), encoding="utf-8")
    curves.draw(logged, folder / curves.PICTURE)
