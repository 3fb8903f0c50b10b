"""A model and its processor from folders, as transformers and peft load them."""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from facevlm.errors import PrerequisiteError

# Torch's threads wait for each other asleep, not spinning: beside other work a spinning one holds the core that the
# others wait for, and an answer takes many times as long. Read once, when torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def facts(folder: Path) -> dict[str, Any]:
    """What a folder's `facevlm.json` says of the model in it; empty without one.

    Raises:
        PrerequisiteError: the file is broken.
    """
    file = folder / "facevlm.json"
    try:
        said = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except (OSError, ValueError) as error:
        raise PrerequisiteError(f"{file}: cannot be read ({error}); restore the file") from None
    if not isinstance(said, dict):
        raise PrerequisiteError(f"{file}: holds no JSON object; restore the file")
    return said


def load(base: Path, adapter: Path | None, threads: int | None, backend: Mapping[str, str]) -> tuple[Any, Any]:
    """Processor and model, the adapter merged in; float32 on a CPU, bfloat16 on a GPU.

    Args:
        base: folder of the model.
        adapter: folder of a LoRA adapter, or None.
        threads: as of `LocalModel`.
        backend: what else the processor is loaded with.

    Raises:
        PrerequisiteError: the folder holds no such model.
    """
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor
    from transformers.utils import logging as library_logging

    library_logging.disable_progress_bar()
    if threads or "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(threads or len(os.sched_getaffinity(0)))
    graphics = torch.cuda.is_available()
    dtype = torch.bfloat16 if graphics else torch.float32
    try:
        processor = AutoProcessor.from_pretrained(base, local_files_only=True, **backend)
        model = AutoModelForImageTextToText.from_pretrained(base, dtype=dtype, local_files_only=True)
    except (OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise PrerequisiteError(f"{base}: cannot be loaded as a vision-language model ({reason})") from error
    if adapter is not None:
        model = _merged(model, adapter)
    return processor, model.to("cuda" if graphics else "cpu").eval()


def _merged(model: Any, adapter: Path) -> Any:
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # where it is installed, peft loads it, needed or not
    from peft import PeftModel

    with warnings.catch_warnings(action="ignore", category=FutureWarning):  # peft's, of transformers' next version
        return PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
