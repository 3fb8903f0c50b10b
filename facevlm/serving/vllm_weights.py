"""What vLLM is to serve: a base that is here, and adapters whose weights it applies whole.

vLLM leaves weights of an adapter out with no more than a warning where it does not serve them, and the answers look
plausible. So what it would leave out is refused here, before it starts.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from facevlm.config import asset_dir, model_folder
from facevlm.errors import InputError, quoted
from facevlm.training.tuning import architectures
from facevlm.types import Value

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # those --max-lora-rank takes
_REMEDY = "merge it into its base, or train another with `facevlm train`"
# Fields of adapter_config.json, and what they make of the adapter; from vllm/lora/peft_helper.py of vLLM 0.32.
_REFUSED = {
    "use_dora": "it is a DoRA adapter",
    "modules_to_save": "it saves whole modules",
    "lora_bias": "it has biases",
    "alora_invocation_tokens": "it is an activated LoRA",
    "layer_replication": "it replicates layers",
    "use_bdlora": "it is block-diagonal",
    "use_qalora": "it is a QALoRA",
    "trainable_token_indices": "it trains embeddings",
    "target_parameters": "it adapts parameters rather than layers",
}
_PLAIN_STARTS = (True, False, None, "gaussian", "eva", "orthogonal", "mica", "lora_ga")  # others change the base
_WEIGHT = re.compile(r"base_model\.model\.(?P<layer>.+)\.lora_[AB]\.weight")
_NAME = re.compile(r"[\w.-]+(/[\w.-]+)*")


class Base(Value):
    """A model that vLLM loads: the id it is served under, where it is, and what class of network it is."""

    name: str
    path: str  # a folder, or an id of the hub whose files are here
    architecture: str


class Adapter(Value):
    """A LoRA adapter: the id it is served under, its folder, its largest rank, and how it saw pictures and turns."""

    name: str
    folder: Path
    rank: int
    pixels: int | None = None  # the most that a picture had in training
    chat_template: Path | None = None  # of training


def base(given: str) -> Base:
    """The base of this name: one that ships, a folder, or an id of the hub that was downloaded.

    Raises:
        InputError: there is none here, or it sees no pictures.
    """
    folder = model_folder(given, "config.json", shipped=f"{given}-base")
    if folder is not None:
        return _described(folder.resolve().name, str(folder.resolve()), folder / "config.json")
    if Path(given).expanduser().is_dir():
        raise InputError(f"{given}: this folder has no config.json; give one that holds a transformers model")
    return _described(given, given, _downloaded(given))


def adapter(given: str, of: Base) -> Adapter:
    """An adapter of a base, from `NAME=PATH`, a folder, or the name of one that ships.

    Raises:
        InputError: there is none, it belongs to another base, or vLLM would not apply all of it.
    """
    name, separator, path = given.rpartition("=")
    folder = _folder(path)
    name = name if separator else folder.name
    if not _NAME.fullmatch(name) or "," in str(folder):
        raise InputError(f"{given}: letters, digits, «.», «_» and «-» name an adapter, and no comma is in its path")
    config = _json(folder / "adapter_config.json")
    _check_base(folder, config, of)
    _check_kind(folder, config)
    _check_layers(folder, of)
    rank = max([config["r"], *(config.get("rank_pattern") or {}).values()])
    if rank > RANKS[-1]:
        raise InputError(f"{folder}: of rank {rank}, vLLM serves {RANKS[-1]} at most; train it with a lower one")
    template = folder / "chat_template.jinja"
    return Adapter(
        name=name,
        folder=folder,
        rank=rank,
        pixels=_pixels(folder / "recipe.yaml"),
        chat_template=template if template.is_file() else None,
    )


def shipped_adapter(given: str) -> str | None:
    """The adapter that ships for a base of this name, None where none does."""
    name = f"{given.removesuffix('-base')}-facs"
    return name if (asset_dir("adapters") / name).is_dir() else None


def limit(of: Base, pixels: int) -> dict[str, Any]:
    """What vLLM's `--mm-processor-kwargs` says so that no picture has more pixels than these.

    Raises:
        InputError: the pictures of this architecture cannot be limited.
    """
    known = architectures.table().served.get(of.architecture)
    match known and known.pixels:
        case "area":
            return {"max_pixels": pixels}
        case "longest-edge":
            return {"size": {"longest_edge": int(pixels**0.5)}}
    raise InputError(f"--pixels: pictures of {of.architecture} cannot be limited; leave it out")


def _described(name: str, path: str, file: Path) -> Base:
    config = _json(file)
    if "vision_config" not in config:
        kind = config.get("model_type", "unknown")
        raise InputError(f"{name}: a model of type {kind!r} sees no pictures; give a vision-language model")
    return Base(name=name, path=path, architecture=(config.get("architectures") or ["unknown"])[0])


def _downloaded(given: str) -> Path:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(given, "config.json")
    except HFValidationError:
        found = None
    if not isinstance(found, str):
        remedy = f"`hf download {given}` fetches it if that is its id on the hub; else give its folder"
        raise InputError(f"{given}: no such folder, and not among the models downloaded here; {remedy}")
    return Path(found)


def _folder(path: str) -> Path:
    folder = model_folder(path, "adapter_config.json")
    if folder is not None:
        return folder.resolve()
    raise InputError(f"{path}: no adapter of peft is there; give --adapter NAME=FOLDER")


def _check_base(folder: Path, config: dict[str, Any], of: Base) -> None:
    made_for = Path(str(config.get("base_model_name_or_path"))).name
    if made_for != Path(of.name).name:
        raise InputError(f"{folder}: made for {made_for}, not for {of.name}; give another adapter or base")


def _check_kind(folder: Path, config: dict[str, Any]) -> None:
    if config.get("peft_type") != "LORA":
        raise InputError(f"{folder}: vLLM serves LoRA, this is {config.get('peft_type')}; {_REMEDY}")
    found = [what for field, what in _REFUSED.items() if config.get(field)]
    if config.get("bias", "none") != "none":
        found.append("it has biases")
    if config.get("init_lora_weights") not in _PLAIN_STARTS:
        found.append(f"it started from {config['init_lora_weights']}, which changes the base")
    if found:
        raise InputError(f"{folder}: vLLM would not serve it as it was trained, because {found[0]}; {_REMEDY}")


def _check_layers(folder: Path, of: Base) -> None:
    """Refuse weights outside the language part: the names in the file count, not what the configuration asks for."""
    known = architectures.table().served.get(of.architecture)
    if known is None:
        why = architectures.table().refused.get(of.architecture, "what vLLM serves of an adapter has not been checked")
        raise InputError(f"{of.name}: no adapter can be served on {of.architecture}: {why}; leave --adapter out")
    served = re.compile(architectures.pattern(known))
    for name in _tensors(folder / "adapter_model.safetensors"):
        found = _WEIGHT.fullmatch(name)
        if not found or not served.fullmatch(found["layer"]):
            raise InputError(f"{folder}: vLLM would leave {name} out, only the language part is served; {_REMEDY}")


def _tensors(file: Path) -> list[str]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "np") as weights:
            return list(weights.keys())
    except (OSError, SafetensorError) as error:
        raise InputError(f"{file}: cannot be read ({quoted(str(error))}); restore the file") from None


def _pixels(recipe: Path) -> int | None:
    if not recipe.is_file():
        return None
    pixels = (yaml.safe_load(recipe.read_text(encoding="utf-8")) or {}).get("pixels")
    return pixels if isinstance(pixels, int) else None


def _json(file: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read ({quoted(str(error))}); restore the file") from None
    return content
