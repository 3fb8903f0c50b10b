"""Base, processor and adapter of a tuning run, loaded as its recipe says, or one line about why they cannot be."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facevlm.errors import InputError, ModelError, PrerequisiteError, quoted
from facevlm.training.tuning import architectures
from facevlm.training.tuning.architectures import Architecture

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, ProcessorMixin

    from facevlm.training.tuning.recipe import Tuning

INSTALL = "pip install 'facevlm[train]'"
_LIBRARIES = ("trl", "accelerate", "datasets")
_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


@dataclass(frozen=True)
class Plan:
    """What is known of a run before its weights are loaded."""

    config: Any
    architecture: Architecture
    targets: str | tuple[str, ...]  # as peft takes them
    layers: int  # that LoRA goes on


def load(recipe: Tuning) -> tuple[PeftModel, ProcessorMixin]:
    """The base with its adapter to be trained, and its processor.

    The base's own weights stay as they are; a fresh adapter changes nothing yet. What is drawn at random follows the
    recipe's seed.

    Raises:
        InputError: the base, its adapter or what the recipe asks of them cannot be had, or memory does not suffice.
        PrerequisiteError: a library is missing.
    """
    chosen = plan(recipe)
    reader = processor(recipe, chosen.architecture)
    with explained(recipe):
        return adapted(recipe, base(recipe, chosen), chosen), reader


def plan(recipe: Tuning) -> Plan:
    """What would be tuned, from the configuration alone.

    Raises:
        InputError: there is no such model, vLLM would not serve its adapter, or the adapter to start from is another's.
        PrerequisiteError: a library is missing.
    """
    _require(*_LIBRARIES, *(["bitsandbytes"] if recipe.four_bit else []))
    config = _config(recipe.model)
    architecture = architectures.of(config)
    found = architectures.targets(architecture, recipe.lora.targets, architectures.modules(config))
    if recipe.start is not None:
        _check_start(recipe.start, recipe.model)
    targets = architectures.pattern(architecture) if recipe.lora.targets == "auto" else recipe.lora.targets
    return Plan(config, architecture, targets, len(found))


def processor(recipe: Tuning, architecture: Architecture) -> ProcessorMixin:
    """The base's processor, with a chat template and the recipe's limit of pixels.

    Raises:
        InputError: it has no template and none is known, or its pictures cannot be limited.
        PrerequisiteError: it needs a library that is missing.
    """
    from transformers import AutoProcessor, ProcessorMixin

    try:
        reader = AutoProcessor.from_pretrained(recipe.model)
    except (ImportError, AttributeError) as error:  # what transformers raises for a missing torchvision differs
        raise PrerequisiteError(f"{recipe.model}: its processor needs more ({_first(error)}); {INSTALL}") from None
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{recipe.model}: its processor cannot be loaded ({_first(error)}); restore its files"
        ) from None
    if not isinstance(reader, ProcessorMixin):
        raise InputError(f"{recipe.model}: has no processor of pictures; give a vision-language model")
    reader.chat_template = reader.chat_template or architectures.chat_template(architecture)
    if reader.chat_template is None:
        remedy = "take the instruction-tuned one (…-Instruct), or put its chat_template.jinja into the folder"
        raise InputError(f"{recipe.model}: this base has no chat template; {remedy}")
    if reader.tokenizer.pad_token is None:
        reader.tokenizer.pad_token = reader.tokenizer.eos_token
    if recipe.pixels is not None:
        _limit(reader.image_processor, recipe.pixels, architecture)
    return reader


def base(recipe: Tuning, chosen: Plan) -> PreTrainedModel:
    """The base's weights on this process's device: in 4 bits as of QLoRA, what sees left whole, or in its precision."""
    import torch
    from accelerate import PartialState
    from transformers import AutoModelForImageTextToText, BitsAndBytesConfig

    precision = _precision(recipe)
    quantised = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=precision,
        llm_int8_skip_modules=[*chosen.architecture.sees, "lm_head"],
    ) if recipe.four_bit else None  # fmt: skip
    device = PartialState().device if torch.cuda.is_available() else torch.device("cpu")
    try:
        return AutoModelForImageTextToText.from_pretrained(
            recipe.model, dtype=precision, quantization_config=quantised, device_map={"": device}
        )
    except (OSError, ValueError) as error:
        raise InputError(f"{recipe.model}: cannot be loaded ({_first(error)}); restore its files") from None


def adapted(recipe: Tuning, model: PreTrainedModel, chosen: Plan) -> PeftModel:
    """The model with the adapter the recipe starts from, or a fresh one, to be trained; the base is named as given."""
    from peft import LoraConfig, PeftModel, get_peft_model
    from transformers import set_seed

    set_seed(recipe.seed)
    if recipe.start is not None:
        with _fitting(recipe.start, recipe.model):
            started = PeftModel.from_pretrained(model, str(recipe.start), is_trainable=True)
        started.peft_config["default"].base_model_name_or_path = recipe.model
        return started
    fresh = get_peft_model(
        model,
        LoraConfig(
            r=recipe.lora.rank, lora_alpha=recipe.lora.alpha, lora_dropout=recipe.lora.dropout,
            target_modules=chosen.targets if isinstance(chosen.targets, str) else list(chosen.targets),
            task_type="CAUSAL_LM",
        ),
    )  # fmt: skip
    fresh.peft_config["default"].base_model_name_or_path = recipe.model
    return fresh


@contextmanager
def explained(recipe: Tuning) -> Iterator[None]:
    """What may end training halfway, as a line that says how to go on."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:  # torch.OutOfMemoryError is a RuntimeError
        if isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in _OUT_OF_MEMORY):
            raise InputError(_out_of_memory(recipe)) from None
        raise ModelError(f"{recipe.model}: training failed ({_first(error)}); run again with --debug") from error


def _out_of_memory(recipe: Tuning) -> str:
    remedies = []
    if recipe.batch > 1:
        remedies.append(f"batch: {recipe.batch // 2} with accumulate: {recipe.accumulate * 2}")
    if not recipe.gradient_checkpointing:
        remedies.append("gradient_checkpointing: true")
    if not recipe.four_bit:
        remedies.append("four_bit: true")
    remedies.append(f"pixels below {recipe.pixels}" if recipe.pixels else "pixels: 200704")
    return f"{recipe.model}: out of memory; in the recipe try {', or '.join(remedies)}, or another base"


def _require(*libraries: str) -> None:
    missing = [library for library in libraries if find_spec(library) is None]
    if missing:
        raise PrerequisiteError(f"{', '.join(missing)} not installed; {INSTALL}")


def _config(model: str) -> Any:
    from transformers import AutoConfig

    folder = Path(model)
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise InputError(f"{model}: this folder has no config.json; give one that holds a transformers model")
    try:
        return AutoConfig.from_pretrained(model)
    except (OSError, ValueError) as error:
        if folder.is_dir():
            raise InputError(f"{model}: its config.json cannot be read ({_first(error)}); restore the file") from None
        remedy = f"`hf download {model}` fetches it if that is its id on the hub; else give its folder with --model"
        raise InputError(f"{model}: no such folder, and not among the models downloaded here; {remedy}") from None


def _check_start(adapter: Path, model: str) -> None:
    file = adapter / "adapter_config.json"
    try:
        made_for = Path(json.loads(file.read_text(encoding="utf-8"))["base_model_name_or_path"]).name
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"start: {adapter}: no adapter of peft is there; give its folder") from None
    if made_for != Path(model).name:
        raise InputError(f"start: {adapter.name} was made for {made_for}, not for {Path(model).name}; give another")


@contextmanager
def _fitting(adapter: Path, model: str) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, ValueError, OSError) as error:
        why = quoted(str(error).strip().rpartition("\n")[2])  # torch's first line says only that there are errors
        raise InputError(f"start: {adapter} does not fit {model} ({why}); give an adapter made for it") from None


def _limit(images: Any, pixels: int, architecture: Architecture) -> None:
    match architecture.pixels:
        case "area":
            images.size = {"shortest_edge": min(images.size["shortest_edge"], pixels), "longest_edge": pixels}
        case "longest-edge":
            images.size = {"longest_edge": math.isqrt(pixels)}
        case None:
            raise InputError("pixels: this architecture shows every picture at one size; take the key out")


def _precision(recipe: Tuning) -> Any:
    import torch

    if recipe.precision == "fp32":
        return torch.float32
    if torch.cuda.is_available() and not torch.cuda.is_bf16_supported(including_emulation=False):
        name = torch.cuda.get_device_name()
        raise InputError(f"precision: {name} does not compute in bfloat16; use precision: fp32")
    return torch.bfloat16


def _first(error: BaseException) -> str:
    return quoted(str(error).strip().partition("\n")[0])
