"""What is recorded of a trained model: by its own files, by its run, by its evaluations, and by people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from facevlm.data.sample import reason
from facevlm.errors import InputError
from facevlm.training.recipe import Part

RUN, METRICS, NOTES, RECIPE = "run.json", "metrics.json", "card.yaml", "recipe.yaml"

Kind = TypeVar("Kind")


class Run(BaseModel):
    """What a training run tells of itself in `run.json`; whatever else stands there is listed as it is."""

    model_config = ConfigDict(frozen=True, extra="allow")

    rows: dict[str, int] = {}  # how many samples, of each split or data set
    left_out: list[str] | dict[str, int] = []  # the reasons, or how many for each
    seed: int | None = None
    helped: bool | None = None  # whether reinforcement gained anything


class Figure(BaseModel):
    """A row of `metrics.json`: a figure with its 95 % interval, of n faces, and the command that made it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    what: str
    figure: float | str | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    each: tuple[float, ...] = ()  # of each of several adapters, where the figure is their mean
    command: str | None = None


class Source(Part):
    """A data set that was trained on."""

    name: str
    licence: str
    about: str = ""


class Notes(Part):
    """What people write of a model, in `card.yaml`."""

    about: str | None = None
    data: tuple[Source, ...] = ()
    limits: tuple[str, ...] = ()
    licence: str | None = None
    not_for: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """All that a card is written from; `missing` names what no file tells."""

    base: str | None  # of an adapter
    kind: str
    library: str  # that loads it
    weights: str | None
    run: Run
    recipe: str | None
    seed: int | None
    figures: tuple[Figure, ...]
    notes: Notes
    missing: tuple[str, ...]


def gather(folder: Path, metrics: Sequence[Path] = (), notes: Path | None = None) -> Facts:
    """What is known of the model in a folder.

    Args:
        folder: an adapter, a base or a matcher, with the `run.json` and `recipe.yaml` of its training where there are.
        metrics: files of figures; by default the folder's `metrics.json`, if there is one.
        notes: what people write of it, by default the folder's `card.yaml`, if there is one.

    Raises:
        InputError: the folder holds no model, or one of the files cannot be read.
    """
    base, kind, library = _model(folder)
    weights = _weights(folder)
    run = _optional(folder / RUN, TypeAdapter(Run)) or Run()
    recipe = _optional(folder / RECIPE, TypeAdapter(dict[str, Any])) or {}
    seed = recipe.get("seed", run.seed)
    files = metrics or [file for file in [folder / METRICS] if file.is_file()]
    figures = tuple(row for file in files for row in _read(file, TypeAdapter(tuple[Figure, ...])))
    noted = (_read(notes, TypeAdapter(Notes)) if notes else _optional(folder / NOTES, TypeAdapter(Notes))) or Notes()
    missing = (*_unrecorded(weights, run, recipe, seed), *_unmeasured(figures), *_unwritten(noted))
    text = (folder / RECIPE).read_text(encoding="utf-8").strip() if recipe else None
    return Facts(base, kind, library, weights, run, text, seed, figures, noted, missing)


def _unrecorded(weights: str | None, run: Run, recipe: Mapping[str, Any], seed: int | None) -> Iterator[str]:
    if weights is None:
        yield "the weights: the folder has no safetensors"
    if not recipe:
        yield f"the recipe ({RECIPE})"
    if seed is None:
        yield f"the seed ({RECIPE} or {RUN})"
    if not run.rows:
        yield f"how much it was trained on ({RUN}, rows)"
    if not run.model_extra:
        yield f"how the run went ({RUN})"


def _unmeasured(figures: Sequence[Figure]) -> Iterator[str]:
    if not figures:
        yield f"any figure ({METRICS})"
    for row in figures:
        lacking = [name for name in ("low", "high", "n", "command") if getattr(row, name) is None]
        if lacking:
            yield f"of «{row.what}»: {', '.join(lacking)} ({METRICS})"


def _unwritten(notes: Notes) -> Iterator[str]:
    wanted = {
        "about": "what it is for",
        "data": "what data it learned from, and their licences",
        "limits": "its limits",
        "licence": "the licence of its weights",
    }
    for field, meaning in wanted.items():
        if not getattr(notes, field):
            yield f"{meaning} ({NOTES}, {field})"


def _model(folder: Path) -> tuple[str | None, str, str]:
    """The base of an adapter, None for any other model, what kind of model it is, and what loads it."""
    adapter = _optional(folder / "adapter_config.json", TypeAdapter(dict[str, Any]))
    if adapter is not None:
        named = Path(adapter["base_model_name_or_path"])
        base = named.name if named.is_absolute() else str(named)
        return base, f"LoRA adapter of {base}, rank {adapter['r']}, alpha {adapter['lora_alpha']}", "peft"
    matcher = _optional(folder / "open_clip_config.json", TypeAdapter(dict[str, Any]))
    if matcher is not None:
        model = matcher["model_cfg"]
        tower = model["vision_cfg"].get("timm_model_name") or "of open_clip"
        return None, f"matcher of faces and texts, {model['embed_dim']} dimensions, image tower {tower}", "open_clip"
    config = _optional(folder / "config.json", TypeAdapter(dict[str, Any]))
    if config is None:
        raise InputError(f"{folder}: has none of adapter_config.json, open_clip_config.json and config.json; "
                         "name a trained model's folder")  # fmt: skip
    return None, f"base model, {', '.join(config.get('architectures') or [config['model_type']])}", "transformers"


def _weights(folder: Path) -> str | None:
    """Number, type and size of the weights in a folder's safetensors."""
    files = sorted(folder.glob("*.safetensors"))
    tensors = [tensor for file in files for name, tensor in _header(file).items() if name != "__metadata__"]
    if not tensors:
        return None
    count, size = sum(prod(tensor["shape"]) for tensor in tensors), sum(file.stat().st_size for file in files)
    return f"{count:,} of type {', '.join(sorted({tensor['dtype'] for tensor in tensors}))}, {size / 1e6:,.1f} MB"


def _header(file: Path) -> dict[str, Any]:
    """The table at the beginning of a safetensors file: eight bytes of its length, then JSON."""
    with file.open("rb") as content:
        header: dict[str, Any] = json.loads(content.read(int.from_bytes(content.read(8), "little")))
    return header


def _optional(file: Path, kind: TypeAdapter[Kind]) -> Kind | None:
    return _read(file, kind) if file.is_file() else None


def _read(file: Path, kind: TypeAdapter[Kind]) -> Kind:
    """A JSON or YAML file as a value. Raises InputError naming the file and what is wrong in it."""
    try:
        text = file.read_text(encoding="utf-8")
        return kind.validate_python(json.loads(text) if file.suffix == ".json" else yaml.safe_load(text))
    except FileNotFoundError:
        raise InputError(f"{file}: there is no such file; check the path") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        why = reason(error) if isinstance(error, ValidationError) else str(error).partition("\n")[0]
        raise InputError(f"{file}: {why}; docs/adapters.md says what it holds") from None
