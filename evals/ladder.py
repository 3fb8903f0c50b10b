"""What each step brings, on a fixed 1,000 faces of FER+ validation: `make ladder` (needs the data folder).

    python evals/ladder.py [--data ../shared/data] [--work runs/au] [--adapter NAME_OR_FOLDER …] [--grpo FOLDER …]
        [--limit N] [--out evals/reports]

What is learned: the base alone, + LoRA, + GRPO. What is marked (Set-of-Vision, arXiv 2410.02244): plain, box, number,
landmarks. What is told: with and without cues. What comes first: the label last, first, or alone. Several `--adapter`
give their mean, with the figure of each. Answers are kept in the work folder and shared with `explanations.py`.
Accuracy has Wilson's 95 % interval, the rest and the differences, faces paired, a percentile bootstrap over faces.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path

import numpy as np
from answers import Asking, Pictures, ferplus_validation, tell
from numpy.typing import NDArray

from facevlm.errors import FaceVLMError
from facevlm.evaluation import intervals
from facevlm.evaluation.intervals import Figure, difference, figure, share
from facevlm.evaluation.metrics import Measure, emotion, faithfulness, one
from facevlm.evaluation.metrics.measure import average
from facevlm.marks import VARIANTS

FACES = 1000
COLUMNS = (
    "rung",
    "compared with",
    "accuracy",
    "difference",
    "macro-F1, five classes",
    "difference",
    "faithfulness",
    "difference",
    "coverage",
)
SCORES = ("accuracy", "macro-F1", "faithfulness", "coverage")


@dataclass(frozen=True)
class Rung:
    """One way of asking, by each adapter, and the rung it is compared with."""

    name: str
    askings: tuple[Asking, ...]
    below: str | None = None


def main() -> None:
    """Print the ladder, and write it where asked."""
    options = _options()
    rungs = ladder(options.model, options.adapter or ["nano-facs"], options.grpo or [])
    try:
        pictures, labels = ferplus_validation(options.data)
        pictures = fixed(pictures, min(options.limit or FACES, FACES))
        truth = np.array([labels[each] for each in pictures.ids])
        climbed = list(climb(rungs, pictures, truth, options.work))
    except FaceVLMError as error:
        print(f"ladder: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
    command = " ".join(["python", *sys.argv])
    text = f"{len(truth):,} faces of FER+ validation, strict majority, by name hash.\n\n{markdown(climbed)}"
    print(text)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "ladder.md").write_text(f"# Ladder\n\n`{command}`\n\n{text}\n", encoding="utf-8")
        (options.out / "ladder.json").write_text(
            json.dumps(as_json(climbed, command), indent=1, ensure_ascii=False), encoding="utf-8"
        )


def ladder(model: str, adapters: Sequence[str], reinforced: Sequence[str]) -> list[Rung]:
    """The rungs, each but the first of its flight with the one it is compared with."""
    tuned = tuple(Asking(adapter, model=model) for adapter in adapters)
    rewarded = tuple(Asking(adapter, model=model) for adapter in reinforced)
    marked = [(f"marks: {each}", tuple(replace(asking, marks=each) for asking in tuned)) for each in VARIANTS]
    flights = [
        [
            ("base alone", (Asking("none", model=model),)),
            ("+ LoRA", tuned),
            *([("+ GRPO", rewarded)] if rewarded else []),
        ],
        marked,
        [("cues told", tuned), ("cues withheld", tuple(replace(each, told="withheld") for each in tuned))],
        [("label last", tuned), ("label first", tuple(replace(each, prompt="sov-label-first") for each in tuned))],
        [("label explained", tuned), ("label only", tuple(replace(each, prompt="sov-label") for each in tuned))],
    ]
    return [
        Rung(name, askings, flight[place - 1][0] if place else None)
        for flight in flights
        for place, (name, askings) in enumerate(flight)
    ]


def fixed(pictures: Pictures, count: int) -> Pictures:
    """The same pictures in every run: the first by the hash of their names."""
    return pictures.of(sorted(pictures.ids, key=lambda name: hashlib.sha256(name.encode()).hexdigest())[:count])


def climb(
    rungs: Sequence[Rung], pictures: Pictures, truth: NDArray[np.int64], work: Path
) -> Iterator[tuple[Rung, dict[str, Figure], dict[str, Figure]]]:
    """Each rung with its figures, and by how much they exceed those of the rung it is compared with."""
    stood: dict[str, list[dict[str, Measure]]] = {}
    for rung in rungs:
        stood[rung.name] = [_measures(asking, pictures, truth, work) for asking in rung.askings]
        own = stood[rung.name]
        gaps = gained(own, stood[rung.below]) if rung.below else {}
        yield rung, {name: intervals.mean([_figure(name, each[name]) for each in own]) for name in SCORES}, gaps


def gained(own: Sequence[dict[str, Measure]], below: Sequence[dict[str, Measure]]) -> dict[str, Figure]:
    """The differences, adapter by adapter in their order; one adapter stands below each of several."""
    pairs = list(zip(own, cycle(below), strict=False))
    return {name: intervals.mean([difference(mine[name], theirs[name]) for mine, theirs in pairs]) for name in SCORES}


def markdown(climbed: Sequence[tuple[Rung, dict[str, Figure], dict[str, Figure]]]) -> str:
    """A Markdown table; a difference is to the rung named in its row."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    for rung, figures, gaps in climbed:
        cells = [rung.name, rung.below or ""]
        for name in SCORES:
            cells.append(figures[name].text(""))
            if name != "coverage":
                cells.append(gaps[name].text("+") if gaps else "")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def as_json(
    climbed: Sequence[tuple[Rung, dict[str, Figure], dict[str, Figure]]], command: str
) -> list[dict[str, object]]:
    """A row for each figure and each difference."""
    return [
        {"what": f"{rung.name}: {name}", **figure.as_json(), "command": command}
        for rung, figures, gaps in climbed
        for name, figure in [*figures.items(), *((f"{each} less that of {rung.below}", gaps[each]) for each in gaps)]
    ]


def _measures(asking: Asking, pictures: Pictures, truth: NDArray[np.int64], work: Path) -> dict[str, Measure]:
    faces = [each.face for each in tell(asking, pictures, work)]
    guess = emotion.concluded(faces)
    claims = faithfulness.measured(faithfulness.verdicts(faces))
    return {
        "accuracy": average(guess == truth),
        "macro-F1": emotion.macro_f1(guess, truth, over=emotion.COMMON),
        "faithfulness": one(claims, "faithfulness"),
        "coverage": one(claims, "coverage"),
    }


def _figure(name: str, measure: Measure) -> Figure:
    if name == "accuracy":
        return share(round(measure.value * measure.n), measure.n)
    return figure(measure)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--work", type=Path, default=Path("runs/au"), help="keeps the answers")
    parser.add_argument("--model", default="nano", help="the base: a name or a folder")
    parser.add_argument("--adapter", action="append", help="a name or a folder; give it again for more seeds")
    parser.add_argument("--grpo", action="append", help="an adapter reinforced on from each --adapter, in their order")
    parser.add_argument("--limit", type=int, help="faces, for a quick look")
    parser.add_argument("--out", type=Path, help="folder for ladder.md and ladder.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
