"""Models of open_clip: from a name, or a folder, to what embeds pictures and texts; and why one cannot be had."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from facevlm.config import asset_dir, model_folder
from facevlm.errors import InputError, PrerequisiteError, quoted

SHIPPED = "nano-clip"
CONFIGURATION = "open_clip_config.json"
_LIBRARIES = ("open_clip", "torch")
_ASTRAY = (AttributeError, IndexError, KeyError, TypeError)  # in weights that lack what open_clip looks for
_WEIGHTS = ("*.safetensors", "*.bin", "*.pth")


def find(model: str) -> Path | None:
    """Where a model lies that ships or has a folder; None for an architecture of open_clip.

    Raises:
        InputError: a folder that is no model's.
        PrerequisiteError: a model without its weights.
    """
    folder = model_folder(model, CONFIGURATION)
    if folder is None and model == SHIPPED:
        raise PrerequisiteError(f"{model}: does not lie in {asset_dir('adapters')}; train it with `facevlm train clip`")
    if folder is None and Path(model).expanduser().is_dir():
        raise InputError(f"{model}: this folder has no {CONFIGURATION}; give one that open_clip can load")
    if folder is not None and not any(file for kind in _WEIGHTS for file in folder.glob(kind)):
        raise PrerequisiteError(f"{model}: {folder} holds no weights; train them with `facevlm train clip`")
    return folder


def load(
    model: str, folder: Path | None, checkpoint: str | None = None, threads: int | None = None
) -> tuple[Any, Any, Any]:
    """The model, what makes a picture into its pixels, and its tokenizer. Arguments and errors as of `Matcher`."""
    missing = [library for library in _LIBRARIES if find_spec(library) is None]
    if missing:
        raise PrerequisiteError(f"{', '.join(missing)} not installed; pip install 'facevlm[clip]'")
    if folder is not None and checkpoint is not None:
        raise InputError(f"{model}: is a folder with weights of its own; leave --checkpoint out")
    with _quiet():
        import open_clip
        import torch

        import facevlm.matching.tower  # noqa: F401  its name is known to open_clip from here on

        if threads is not None:
            torch.set_num_threads(threads)
        if folder is None:
            _check_named(model, checkpoint)
        place = model if folder is None else f"local-dir:{folder}"
        try:
            made, transform = open_clip.create_model_from_pretrained(place, checkpoint)
            return made.eval(), transform, open_clip.get_tokenizer(place)
        except Exception as error:  # a file that is no checkpoint raises nearly anything
            raise _why(model, checkpoint, error) from error


def untrained(folder: Path) -> tuple[Any, Any]:
    """A model of chance weights by the configuration in a folder, and its tokenizer."""
    with _quiet():
        import open_clip

        import facevlm.matching.tower  # noqa: F401  as above

        place = f"local-dir:{folder}"
        return open_clip.create_model(place, load_weights=False), open_clip.get_tokenizer(place)


def _check_named(model: str, checkpoint: str | None) -> None:
    import open_clip

    known = open_clip.list_models()
    if model not in known:
        near = difflib.get_close_matches(model, [SHIPPED, *known], 4, 0.4) or [SHIPPED, "ViT-B-32"]
        raise InputError(f"{model}: no such folder, and no model of open_clip; near it are {', '.join(near)}")
    if checkpoint is None:
        raise InputError(f"{model}: name its weights with --checkpoint, a file or a tag of weights already downloaded")
    tags = open_clip.list_pretrained_tags_by_model(model)
    if not Path(checkpoint).is_file() and checkpoint.lower() not in tags:
        near = difflib.get_close_matches(checkpoint, tags, 4, 0.4) or tags[:4]
        raise InputError(f"{checkpoint}: no such file, nor a tag of weights of {model}, as are {', '.join(near)}")


def _why(model: str, checkpoint: str | None, error: Exception) -> InputError | PrerequisiteError:
    said = str(error).strip()
    if "Error(s) in loading" in said or isinstance(error, _ASTRAY):
        return InputError(f"{checkpoint or model}: weights of another shape than {model} has; give those made for it")
    first = quoted(said.splitlines()[0] if said else type(error).__name__, 100)
    if checkpoint is not None and not Path(checkpoint).is_file():
        return PrerequisiteError(
            f"{model}: the weights {checkpoint!r} are not on this machine ({first}); download them with open_clip first"
        )
    return InputError(f"{checkpoint or model}: cannot be loaded by open_clip ({first}); give weights saved by it")


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what open_clip logs: it does so by the root logger, which it would also make print on stderr."""
    root, sink = logging.getLogger(), logging.NullHandler()
    logging.getLogger("timm").setLevel(logging.ERROR)
    root.addHandler(sink)
    root.addFilter(_by_others)
    try:
        yield
    finally:
        root.removeFilter(_by_others)
        root.removeHandler(sink)


def _by_others(record: logging.LogRecord) -> bool:
    return "open_clip" not in record.pathname
