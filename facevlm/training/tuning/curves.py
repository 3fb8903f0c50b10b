"""What a trainer logs, kept as JSON lines and drawn: one curve a quantity, over the optimiser's steps."""

from __future__ import annotations

import json
import logging
import math
import sys
from pathlib import Path
from time import monotonic
from typing import Any

from transformers import TrainerCallback

from facevlm import files

JSON, PICTURE = "curves.jsonl", "curves.png"
_SHOWN = ("loss", "eval_loss", "eval_valid", "reward")
_EVALUATED = "eval_"
_NOT_DRAWN = {"step", "epoch", "num_tokens", "runtime", "samples_per_second", "steps_per_second"}

logger = logging.getLogger(__name__)


class Recorder(TrainerCallback):  # type: ignore[misc]
    """Appends what is logged to a file, line by whole line; tells it on stderr, as a bar on a terminal, else as lines.

    Args:
        file: JSON lines; each `{"step": …, "loss": …, …}`.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._began = (0, monotonic())
        self._bar: Any = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Forget what was logged after the checkpoint that training goes on from."""
        from tqdm import tqdm

        if not state.is_world_process_zero:
            return
        cut(self._file, state.global_step)
        self._began = (state.global_step, monotonic())
        self._bar = tqdm(
            total=state.max_steps, initial=state.global_step, desc="Training", unit="step", file=sys.stderr,
            disable=not sys.stderr.isatty(), leave=False,
        )  # fmt: skip

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Move the bar on."""
        if self._bar is not None:
            self._bar.update(state.global_step - self._bar.n)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        """Keep what is logged."""
        if state.is_world_process_zero and logs and "train_runtime" not in logs:
            self.keep(state, logs)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()

    def keep(self, state: Any, logs: dict[str, Any]) -> None:
        """One line of the file, and of what is told."""
        numbers = {key: value for key, value in logs.items() if isinstance(value, int | float)}
        append(self._file, {"step": state.global_step} | numbers)
        shown = {key: f"{numbers[key]:.4g}" for key in _SHOWN if key in numbers}
        if self._bar is None or self._bar.disable:
            told = ", ".join(f"{key} {value}" for key, value in shown.items())
            logger.info("step %d of %d: %s%s", state.global_step, state.max_steps, told, self._left(state))
        else:
            self._bar.set_postfix(shown, refresh=True)

    def _left(self, state: Any) -> str:
        first, began = self._began
        done = state.global_step - first
        if not done:
            return ""
        minutes = (monotonic() - began) / done * (state.max_steps - state.global_step) / 60
        return f", {minutes:.0f} min left" if minutes >= 1 else ""


def append(file: Path, row: dict[str, Any]) -> None:
    """Add one line, whole."""
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(row) + "\n")


def cut(file: Path, step: int) -> None:
    """Keep only what was logged up to a step; a line that was cut short goes too."""
    kept = [row for row in read(file) if row["step"] <= step] if step else []
    files.write(file, "".join(json.dumps(row) + "\n" for row in kept))


def read(file: Path) -> list[dict[str, Any]]:
    """The lines of a file of curves; one cut short is passed over."""
    rows = []
    for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else []:
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


def draw(rows: list[dict[str, Any]], picture: Path) -> None:
    """Draw every quantity over the steps as a PNG; one measured in training and in evaluation shares its axes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = list(dict.fromkeys(_quantity(key) for row in rows for key in row if _quantity(key) not in _NOT_DRAWN))
    columns = min(len(names), 3)
    figure, axes = pyplot.subplots(
        math.ceil(len(names) / columns), columns, squeeze=False, layout="constrained",
        figsize=(4.2 * columns, 2.8 * math.ceil(len(names) / columns)),
    )  # fmt: skip
    for axis, name in zip(axes.flat, names, strict=False):
        for key, label in ((name, "training"), (_EVALUATED + name, "held out")):
            points = [(row["step"], row[key]) for row in rows if key in row]
            if points:
                axis.plot(*zip(*points, strict=True), label=label, marker=".")
        axis.set(title=name.replace("_", " "), xlabel="step")
        axis.legend()
    for axis in axes.flat[len(names) :]:
        axis.set_visible(False)
    with files.replaced(picture) as partial:
        figure.savefig(partial, format="png", dpi=120)
    pyplot.close(figure)


def _quantity(key: str) -> str:
    return key.removeprefix(_EVALUATED)
