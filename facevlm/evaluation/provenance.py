"""What a run's figures depend on, and whether a folder's run is still the same one."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

import facevlm
from facevlm import faces
from facevlm.config import model_folder
from facevlm.errors import InputError
from facevlm.evaluation.asking import Asker
from facevlm.evaluation.run import Run
from facevlm.evaluation.suite import Suite
from facevlm.models.local import LocalModel

_LIBRARIES = ("torch", "transformers", "peft", "xgrammar", "mediapipe", "numpy", "scikit-learn", "openai")
_TABLES = (".json", ".yaml", ".npz", ".npy")
_WEIGHTS = (".safetensors", ".json", ".jinja")
_TOLD = ("metrics.json", "run.json")  # of a model's making: its answers do not depend on them


def versions() -> dict[str, str]:
    """Of Python and of the libraries that an answer or a figure depends on, those that are installed."""
    found: dict[str, str] = {"python": platform.python_version(), "facevlm": facevlm.__version__}
    for library in _LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return found


def tables() -> str:
    """sha256 of the tables that faces are found and measured with."""
    folder = Path(faces.__file__).parent
    return _digest(file for file in sorted(folder.iterdir()) if file.suffix in _TABLES)


def weights(model: object, name: str, adapter: str | None) -> str | None:
    """sha256 of the files of a model in this process and of its adapter; None for one that answers elsewhere."""
    if not isinstance(model, LocalModel):
        return None
    folders = [model_folder(name, "config.json", shipped=f"{name}-base")]
    if model.adapter is not None:
        folders.append(model_folder(adapter or f"{name}-facs", "adapter_config.json"))
    return _digest(file for folder in folders if folder for file in sorted(folder.iterdir()) if _matters(file))


def prompts(suite: Suite, asker: Asker) -> dict[str, str]:
    """Every prompt in use with its hash."""
    used = (asker.reasoner(condition).prompt for condition in suite.conditions)
    return {prompt.name: prompt.reference for prompt in used}


def agree(before: Run, now: Run, folder: Path) -> None:
    """Raises InputError where the run that a folder holds is another than the one that is to go on there."""
    for what, was, is_ in _differences(before, now):
        raise InputError(f"{folder}: holds a run with another {what} ({was}, now {is_}); give another --out")


def _differences(before: Run, now: Run) -> Iterator[tuple[str, object, object]]:
    if before.suite.name != now.suite.name:
        yield "suite", before.suite.name, now.suite.name
    for field in ("model", "adapter", "base_url", "weights", "tables", "seed", "draws", "limit", "shuffle"):
        was, is_ = getattr(before, field), getattr(now, field)
        if was != is_:
            yield field, _short(was), _short(is_)
    for name in sorted(before.prompts.keys() | now.prompts.keys()):
        was, is_ = before.prompts.get(name, "none"), now.prompts.get(name, "none")
        if was != is_:
            yield "prompt", was, is_
    for field in type(now.suite).model_fields:
        was, is_ = getattr(before.suite, field), getattr(now.suite, field)
        if was != is_ and field not in _SCORED:
            yield f"suite, its {field}", _short(was), _short(is_)
    if before.data.sha256 != now.data.sha256:
        yield "data set", before.data.sha256[:12], now.data.sha256[:12]


# What of a suite matters to the figures alone and not to the answers.
_SCORED = ("title", "about", "metrics", "breakdown", "thresholds", "folds", "units", "present_from", "heat", "awaits")


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:39] + "…"


def _matters(file: Path) -> bool:
    return file.suffix in _WEIGHTS and file.name not in _TOLD


def _digest(files: Iterable[Path]) -> str:
    content = hashlib.sha256()
    for file in files:
        content.update(file.name.encode() + b"\n" + file.read_bytes())
    return content.hexdigest()
