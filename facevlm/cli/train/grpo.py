"""`facevlm train grpo`: an adapter made better by rewards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facevlm.cli import options, printing
from facevlm.cli.ending import say
from facevlm.cli.train.options import Model, Out, Resume, Seed, Workers, show_progress
from facevlm.errors import InputError

if TYPE_CHECKING:
    from facevlm.training.tuning.reinforcement import Outcome, Reinforcement

EXAMPLES = options.examples(
    "facevlm train grpo grpo.yaml --data rows.jsonl --out better",
    "facevlm train grpo adapters/nano-facs/grpo.yaml --data ferplus --synthetic faces --out my-facs",
    "accelerate launch -m facevlm train grpo grpo.yaml --data rows.jsonl --out better    # several GPUs",
)
_SHOWN = 20  # rejected rows that are named; the others are counted


Named = Annotated[Path, typer.Argument(metavar="CONFIG", help="A recipe, e.g. adapters/nano-facs/grpo.yaml.")]
Data = Annotated[
    Path | None,
    options.option(
        "--data",
        "Rows, one JSON object a line; or, for a model that is shown crops, the folder of FER+.",
        show_default="the recipe's",
    ),
]
Synthetic = Annotated[
    Path | None,
    options.option(
        "--synthetic", "Beside the folder of FER+, faces of `facevlm data synth`, whose true action units are rewarded."
    ),
]
Work = Annotated[
    Path | None,
    options.option(
        "--work", "Checkpoints; a run found here goes on where it was.", show_default="runs/grpo- and the recipe's name"
    ),
]
Start = Annotated[
    Path | None, options.option("--start", "Adapter from supervised tuning.", show_default="the recipe's")
]


def grpo(
    config: Named,
    out: Out,
    data: Data = None,
    synthetic: Synthetic = None,
    work: Work = None,
    model: Model = None,
    start: Start = None,
    prompt: options.PromptOption = "sov-cot",
    workers: Workers = 2,
    seed: Seed = None,
    resume: Resume = True,
) -> None:
    """Tune an adapter by rewards on its own answers, and say whether that helped.

    Prints what each reward was on held-out rows before and after, with the 95 % interval of the difference. An
    interrupted run is run again and goes on from its last checkpoint.
    """
    from facevlm.training.tuning import reinforcement
    from facevlm.training.tuning.recipe import read
    from facevlm.training.tuning.supervised import leads

    show_progress()
    recipe = read(config, reinforcement.Reinforcement, model=model, start=start, data=data, seed=seed)
    kept = work or Path("runs") / f"grpo-{config.stem}"
    photographs = recipe.data if recipe.data is not None and recipe.data.is_dir() else None
    if photographs is not None:
        recipe = _on_faces(recipe, photographs, synthetic, kept, prompt, workers)
    elif synthetic is not None:
        raise InputError("--synthetic: goes with the folder of FER+ as --data; rows of your own say what is true")
    outcome = reinforcement.run(recipe, out, kept, fresh=not resume)
    if leads():
        if photographs is not None:
            from facevlm.training.embedded import adapter

            adapter.calibrate(out, Path(recipe.model), prompt, photographs, kept, workers)
        _show(outcome)


def _on_faces(
    recipe: Reinforcement, data: Path, synthetic: Path | None, work: Path, prompt: str, workers: int
) -> Reinforcement:
    from facevlm import prompting
    from facevlm.training.tuning import face_rows

    asked = prompting.load(prompt, "face")
    trained, held_out = face_rows.of_faces(data, work, recipe.model, asked, workers, synthetic)
    return recipe.model_copy(update={"data": trained, "valid": held_out})


def _show(outcome: Outcome) -> None:
    from rich.table import Table

    for row in outcome.rejected[:_SHOWN]:
        say(row)
    if outcome.rejected:
        say(f"{len(outcome.rejected):,} rows left out")
    table = Table("reward", "before", "after", "difference", "95 % interval", "rows")
    for name, gain in outcome.gains.items():
        interval = f"{gain.low:+.3f} to {gain.high:+.3f}"
        table.add_row(
            name, f"{gain.before:.3f}", f"{gain.after:.3f}", f"{gain.difference:+.3f}", interval, str(gain.rows)
        )
    printing.show(table)
    verdict = "it helped" if outcome.helped else "it did not help: the total is no higher than chance would make it"
    say(f"{outcome.out}: adapter written; {verdict}; its settings and figures are in run.json")
