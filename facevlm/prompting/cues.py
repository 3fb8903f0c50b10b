"""A face's measured cues as the compact text that small models read."""

from __future__ import annotations

from collections.abc import Mapping

# The steps a cue is told in, standard deviations from a resting face: half ones near it, where expressions differ most.
LEVELS = (-6.0, -5.0, -4.0, *(step / 2 for step in range(-6, 7)), 4.0, 5.0, 6.0)


def cue_text(cues: Mapping[str, float]) -> str:
    """Each cue as `name:+1.5`, the nearest of LEVELS, in the order given, parted by spaces."""
    return " ".join(cue_token(name, nearest_level(value)) for name, value in cues.items())


def cue_token(name: str, level: float) -> str:
    """One cue in one step, as prompts write it."""
    return f"{name}:{level:+g}"


def nearest_level(value: float) -> float:
    """The step a cue is told in."""
    return min(LEVELS, key=lambda level: abs(level - value))
