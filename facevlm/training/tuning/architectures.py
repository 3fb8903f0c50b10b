"""Which weights of a vision-language model are tuned: those of the language part, which vLLM serves with LoRA.

vLLM leaves adapted weights of the vision tower and the connector out unless it is told otherwise, and takes none for
embeddings and the output layer: an adapter that holds some answers differently there than it did in training.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml
from pydantic import Field

from facevlm.errors import InputError
from facevlm.types import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

FOLDER = Path(__file__).parent
_NAMED = 3  # weights an error names before it counts the rest


class Architecture(Value):
    """What `architectures.yaml` says of one class."""

    layers: str
    sees: tuple[str, ...]
    pixels: Literal["area", "longest-edge"] | None = None
    answers: Literal["turn", "suffix"] = "turn"
    template: str | None = None


class Table(Value):
    """The whole of `architectures.yaml`."""

    linear: tuple[str, ...]
    served: dict[str, Architecture]
    refused: dict[str, str] = Field(default_factory=dict)


@cache
def table() -> Table:
    """The architectures this package tunes, and those it refuses with the reason."""
    return Table.model_validate(yaml.safe_load((FOLDER / "architectures.yaml").read_text(encoding="utf-8")))


def of(config: Any) -> Architecture:
    """The architecture of a transformers configuration.

    Raises:
        InputError: vLLM serves no adapter for it, or nobody has checked that it does.
    """
    name = next(iter(config.architectures or ()), type(config).__name__)
    if name in table().served:
        return table().served[name]
    known = ", ".join(name.removesuffix("ForConditionalGeneration") for name in table().served)
    why = table().refused.get(name, "which weights vLLM would serve of its adapter has not been checked")
    raise InputError(f"{name} cannot be tuned: {why}; use one of {known}")


def chat_template(architecture: Architecture) -> str | None:
    """The template that this package brings for bases that have none, or None."""
    return (FOLDER / architecture.template).read_text(encoding="utf-8") if architecture.template else None


def modules(config: Any) -> tuple[str, ...]:
    """Names of the layers of a model that LoRA could go on, without loading its weights."""
    import torch
    from transformers import AutoModelForImageTextToText

    with torch.device("meta"):
        skeleton = AutoModelForImageTextToText.from_config(config)
    return tuple(name for name, module in skeleton.named_modules() if _adaptable(module))


def pattern(architecture: Architecture) -> str:
    """What the names of the linear layers of the language part match as a whole."""
    layers, linear = re.escape(architecture.layers), "|".join(map(re.escape, table().linear))
    return rf"{layers}\.\d+\.({linear})"


def targets(architecture: Architecture, chosen: str | Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Those of the layers `names` that are tuned.

    Args:
        architecture: what is known of the model's class.
        chosen: `auto`, or what peft takes as target modules: ends of names, or a pattern of whole names.
        names: as `modules` gives them.

    Raises:
        InputError: nothing would be tuned, or weights that vLLM would not serve.
    """
    served = re.compile(pattern(architecture))
    if chosen == "auto":
        found = tuple(name for name in names if served.fullmatch(name))
    else:
        found = tuple(name for name in names if _chosen(name, chosen))
    if not found:
        raise InputError(f"lora.targets: {_said(chosen)} matches no layer of this model; use auto")
    unserved = [name for name in found if not served.fullmatch(name)]
    if unserved:
        raise InputError(_complaint(architecture, chosen, unserved))
    return found


def _chosen(name: str, chosen: str | Sequence[str]) -> bool:
    """As peft matches: a pattern against the whole name, or names against its end."""
    if isinstance(chosen, str):
        try:
            return re.fullmatch(chosen, name) is not None
        except re.error as error:
            raise InputError(f"lora.targets: {chosen} is not a pattern ({error}); use auto") from None
    return any(name == end or name.endswith(f".{end}") for end in chosen)


def _complaint(architecture: Architecture, chosen: str | Sequence[str], unserved: Sequence[str]) -> str:
    """Which weights are at fault, why, and what to write instead."""
    shown = ", ".join(unserved[:_NAMED]) + (f" and {len(unserved) - _NAMED} more" * (len(unserved) > _NAMED))
    parts = {_part(architecture, name) for name in unserved}
    why = f"of {' and '.join(sorted(parts))}, which vLLM leaves out when it serves an adapter"
    return (
        f"lora.targets: {_said(chosen)} would tune {shown}, {why}; use auto, which is {pattern(architecture)}, or less"
    )


def _part(architecture: Architecture, name: str) -> str:
    if name.startswith(architecture.sees):
        return "the vision tower or its connector"
    return "the embeddings or the output layer" if "embed" in name or "lm_head" in name else "another part"


def _said(chosen: str | Sequence[str]) -> str:
    return chosen if isinstance(chosen, str) else f"[{', '.join(chosen)}]"


def _adaptable(module: nn.Module) -> bool:
    from torch import nn

    return isinstance(module, nn.Linear | nn.Embedding | nn.Conv2d | nn.Conv3d)
