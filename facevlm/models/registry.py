"""From a name to a model: what ships in `adapters/`, a folder of one's own, or any model id of an endpoint.

A shipped model `NAME` is the folder `adapters/NAME-base`; its adapter, unless told otherwise, is `adapters/NAME-facs`.
Its `facevlm.json` says how it is asked and what it is.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from facevlm.config import asset_dir, model_folder
from facevlm.errors import FaceVLMError, InputError, PrerequisiteError
from facevlm.models.endpoint import KEY_VARIABLE, Endpoint
from facevlm.models.openai import OpenAIModel
from facevlm.models.protocol import ServedModel

BARE = "none"  # as an adapter: the base model alone
_LOCAL_LIBRARIES = ("torch", "transformers", "peft", "xgrammar")


@dataclass(frozen=True)
class ModelInfo:
    """One line of `facevlm models`: a model, whether it can be used here, and if not why and what to do."""

    name: str
    kind: Literal["shipped", "endpoint"]
    usable: bool
    why: str
    description: str


def load(
    name: str = "nano",
    adapter: str | None = None,
    base_url: str | None = None,
    api_key_env: str = KEY_VARIABLE,
    timeout: float = 120.0,
    threads: int | None = None,
    asks: Literal["scene", "face"] | None = None,
    crop_size: int | None = None,
) -> ServedModel:
    """The model of this name, ready to answer.

    Args:
        name: a shipped model, a folder holding a transformers vision-language model, or, with `base_url`, any model id.
        adapter: a folder, a name in `adapters/`, «none» for the bare base; by default the one that ships for `name`.
            With `base_url` it is the endpoint's id of the adapter.
        base_url: an OpenAI-compatible endpoint, e.g. `http://localhost:8001/v1`.
        api_key_env: the variable that holds the endpoint's key.
        timeout: seconds the endpoint may take for one answer.
        threads: CPU threads of a local model.
        asks, crop_size: how an endpoint's model is asked. A shipped one behind an endpoint is asked as it is here,
            under the name of its folder in `adapters/`, its name, or that of an adapter made for it; others about
            scenes.

    Raises:
        InputError: no such model or adapter, or the adapter belongs to another base.
        PrerequisiteError: a library, a shipped file or the endpoint's key is missing.
    """
    if base_url is not None:
        endpoint = Endpoint(base_url, api_key_env=api_key_env, timeout=timeout)
        return of_endpoint(endpoint, name, None if adapter == BARE else adapter, asks=asks, crop_size=crop_size)
    base = _base(name)
    folder = _adapter(name, adapter)
    if folder is not None:
        _check_belongs(folder, base)
    missing = _missing_libraries()
    if missing:
        raise PrerequisiteError(f"{name}: {missing}")

    from facevlm.models.local import LocalModel

    return LocalModel(base, folder, name=name if base == _shipped_base(name) else base.name, threads=threads)


def of_endpoint(
    endpoint: Endpoint,
    name: str,
    adapter: str | None = None,
    *,
    asks: Literal["scene", "face"] | None = None,
    crop_size: int | None = None,
) -> OpenAIModel:
    """A model of an endpoint, asked as its makers mean it. Arguments as `load` takes them."""
    facts = _shipped_facts(adapter or name) or _shipped_facts(name)
    return OpenAIModel(
        name,
        endpoint,
        adapter=adapter,
        asks=asks or facts.get("asks", "scene"),
        crop_size=crop_size or facts.get("crop_size", 512),
        temperature=facts.get("temperature", 1.0),
    )


def _shipped_facts(served_as: str) -> dict[str, Any]:
    """What is known of a model or an adapter that ships, by the id an endpoint gives it; nothing of others."""
    adapters = asset_dir("adapters")
    if not re.fullmatch(r"[\w.-]*\w", served_as):
        return {}
    folder = adapters / served_as
    if (folder / "adapter_config.json").is_file():
        base = Path(_json(folder / "adapter_config.json")["base_model_name_or_path"]).name
        return _facts(adapters / base) | _facts(folder)
    return _facts(folder) or _facts(_shipped_base(served_as))


def _facts(folder: Path) -> dict[str, Any]:
    file = folder / "facevlm.json"
    return _json(file) if file.is_file() else {}


def available(base_url: str | None = None, api_key_env: str = KEY_VARIABLE) -> list[ModelInfo]:
    """What can be used here: the shipped models, then what the endpoint serves (or why it cannot be asked)."""
    shipped = [_shipped_info(name) for name in shipped_names()]
    if base_url is None:
        why = "no endpoint given; set --base-url or FACEVLM_BASE_URL"
        return [*shipped, ModelInfo("MODEL", "endpoint", False, why, "any model of an OpenAI-compatible endpoint")]
    try:
        served = OpenAIModel("", base_url, api_key_env=api_key_env, timeout=10.0, retries=0).served()
    except FaceVLMError as error:
        return [*shipped, ModelInfo("MODEL", "endpoint", False, str(error), base_url)]
    return [*shipped, *(ModelInfo(name, "endpoint", True, "", base_url) for name in served)]


def _shipped_base(name: str) -> Path:
    return asset_dir("adapters") / f"{name}-base"


def shipped_names() -> list[str]:
    """The models that ship, sorted."""
    return sorted(folder.name.removesuffix("-base") for folder in asset_dir("adapters").glob("*-base"))


def adapters_of(name: str) -> list[str]:
    """The adapters that ship for a model, sorted; none for one that does not ship itself."""
    made_for = {
        file.parent.name: Path(_json(file)["base_model_name_or_path"]).name
        for file in asset_dir("adapters").glob("*/adapter_config.json")
    }
    return sorted(adapter for adapter, base in made_for.items() if base == f"{name}-base")


def _shipped_info(name: str) -> ModelInfo:
    base = _shipped_base(name)
    about = _json(base / "facevlm.json").get("description", "") if (base / "facevlm.json").is_file() else ""
    if not (base / "config.json").is_file():
        return ModelInfo(name, "shipped", False, f"{base} has no config.json; install FaceVLM again", about)
    why = _missing_libraries()
    return ModelInfo(name, "shipped", not why, why, about)


def _missing_libraries() -> str:
    missing = [library for library in _LOCAL_LIBRARIES if find_spec(library) is None]
    return f"{', '.join(missing)} not installed; pip install {' '.join(missing)}" if missing else ""


def _base(name: str) -> Path:
    """The folder of a model that runs in this process."""
    folder = model_folder(name, "config.json", shipped=f"{name}-base")
    if folder is not None:
        return _vision_language(folder)
    if Path(name).expanduser().is_dir():
        raise InputError(f"{name}: this folder has no config.json; give one that holds a transformers model")
    if not shipped_names():
        raise PrerequisiteError(f"{asset_dir('adapters')}: no model ships here; install FaceVLM again")
    known = ", ".join(shipped_names())
    raise InputError(f"{name}: unknown model; use {known}, a model's folder, or a model id together with --base-url")


def _vision_language(folder: Path) -> Path:
    config = _json(folder / "config.json")
    if "vision_config" not in config:
        kind = config.get("model_type", "unknown")
        raise InputError(f"{folder}: a model of type {kind!r} sees no pictures; give a vision-language model")
    return folder


def _adapter(name: str, adapter: str | None) -> Path | None:
    """The folder of the adapter asked for, or of the one that ships for the model; None for the bare base."""
    if adapter == BARE:
        return None
    if adapter is None:
        shipped = asset_dir("adapters") / f"{name}-facs"
        return shipped if (shipped / "adapter_config.json").is_file() else None
    folder = model_folder(adapter, "adapter_config.json")
    if folder is not None:
        return folder
    known = sorted(path.parent.name for path in asset_dir("adapters").glob("*/adapter_config.json"))
    raise InputError(f"{adapter}: unknown adapter; use {', '.join([*known, BARE])}, or an adapter's folder")


def _check_belongs(adapter: Path, base: Path) -> None:
    trained_on = Path(_json(adapter / "adapter_config.json")["base_model_name_or_path"]).name
    if trained_on != base.resolve().name:
        raise InputError(f"{adapter.name}: made for {trained_on}, not for {base.name}; use another or --adapter {BARE}")


def _json(file: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read ({error}); restore the file") from None
    return content
