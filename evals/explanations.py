"""What the embedded model's explanations are worth: `make explanations` (needs the data folder).

    python evals/explanations.py [--data ../shared/data] [--work runs/au] [--adapter NAME_OR_FOLDER …] [--only PART]
        [--limit N] [--show] [--out evals/reports]

Accuracy and the cost of explaining, claims against true action units, faithfulness with and without the face's own
cues, what the conclusion depends on, and the texts, of the first `--adapter`; of several, which are seeds of one
recipe, then the mean accuracy and that of each. Answers are kept in the work folder: a second run scores them again
without asking the model. Shares of faces come with Wilson's 95 % interval; what is pooled from claims, F1, calibration
and differences with a bootstrap over faces.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import dependence
import numpy as np
import texts
from answers import Asking, Pictures, Told, ferplus_validation, synthetic_suite, tell
from numpy.typing import NDArray

from facevlm.data.sample import Sample
from facevlm.errors import FaceVLMError
from facevlm.evaluation import intervals
from facevlm.evaluation.intervals import Figure, Line, difference, figure, figures, share
from facevlm.evaluation.metrics import calibration, emotion, mean, units
from facevlm.evaluation.metrics import faithfulness as faithful
from facevlm.evaluation.metrics.measure import average
from facevlm.faces import action_units
from facevlm.faces.action_units import THRESHOLDS
from facevlm.training.measurement.measured import true_strengths
from facevlm.training.measurement.reliability import PRESENT
from facevlm.types import AU_CODES, EMOTIONS, Explanation, FaceAnalysis

DISFA = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)
TOLD = {"own": "its own cues", "withheld": "cues withheld", "exchanged": "another face's cues"}
COUNTS = {2: "two", 3: "three", 4: "four", 5: "five"}
SHOWN = 20


@dataclass(frozen=True)
class Study:
    """One adapter, and what it is asked about."""

    asking: Asking
    options: argparse.Namespace

    @cached_property
    def validation(self) -> tuple[Pictures, dict[str, int]]:
        pictures, labels = ferplus_validation(self.options.data)
        return pictures.of(pictures.ids[: self.options.limit]), labels

    def labels(self) -> NDArray[np.int64]:
        pictures, labels = self.validation
        return np.array([labels[each] for each in pictures.ids])

    def told(self, prompt: str = "sov-cot", told: str = "own") -> list[Told]:
        """The answers about FER+ validation."""
        asking = Asking(self.asking.adapter, prompt, told=told, model=self.asking.model)
        return tell(asking, self.validation[0], self.options.work)

    def faces(self, prompt: str = "sov-cot", told: str = "own") -> list[FaceAnalysis | None]:
        return [each.face for each in self.told(prompt, told)]


def main() -> None:
    """Print the table, and write it where asked."""
    options = _options()
    studies = [Study(Asking(adapter, model=options.model), options) for adapter in options.adapter or ["nano-facs"]]
    try:
        lines = [line for name, part in PARTS.items() if options.only in (None, name) for line in part(studies[0])]
        seeds = averaged(studies) if len(studies) > 1 else []
        if options.show:
            show(studies[0])
    except FaceVLMError as error:
        print(f"explanations: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
    command = " ".join(["python", *sys.argv])
    text = report(lines, seeds)
    print(text)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "explanations.md").write_text(f"# Explanations\n\n`{command}`\n\n{text}\n", encoding="utf-8")
        figures = [{"what": what, **figure.as_json(), "command": command} for what, figure, _ in [*lines, *seeds]]
        (options.out / "explanations.json").write_text(
            json.dumps(figures, indent=1, ensure_ascii=False), encoding="utf-8"
        )


def averaged(studies: Sequence[Study]) -> list[Line]:
    """The mean accuracy of several seeds, and all that goes with it."""
    number = COUNTS.get(len(studies), str(len(studies)))
    return [
        (f"{of[0][0]}, mean of {number} seeds", intervals.mean([figure for _, figure, _ in of]), of[0][2])
        for of in zip(*map(accuracy, studies), strict=True)
    ]


def accuracy(study: Study) -> Iterator[Line]:
    """FER+ validation over the whole path: with the explanation first, and the label alone."""
    truth, faces = study.labels(), study.faces()
    guess, alone = emotion.concluded(faces), emotion.concluded(study.faces("sov-label"))
    named = f"FER+ validation, strict majority, n = {len(truth):,}"
    yield f"{named}: faces found", share(sum(face is not None for face in faces), len(faces)), "0.98"
    yield f"{named}: accuracy", share(int((guess == truth).sum()), len(truth)), "0.82"
    common = emotion.macro_f1(guess, truth, over=emotion.COMMON)
    yield f"{named}: macro-F1, classes with ≥ 100 faces", figure(common), "0.75"
    yield f"{named}: macro-F1, all eight", figure(emotion.macro_f1(guess, truth)), "reported"
    error = calibration.calibration_error(calibration.surest(faces), guess == truth)
    yield f"{named}: expected calibration error", figure(error), "at most 0.06"
    yield f"{named}: accuracy, label only", share(int((alone == truth).sum()), len(truth)), "reported"
    yield f"{named}: cost of explaining", cost(alone == truth, guess == truth), "at most 0.01"


def cost(alone: NDArray[np.bool_], explained: NDArray[np.bool_]) -> Figure:
    """Accuracy of the label alone less that of the label explained, faces paired."""
    return difference(average(alone), average(explained))


def claims(study: Study) -> Iterator[Line]:
    """Claims on the synthetic suite against what it truly shows, and the measurement held against the same."""
    options = study.options
    pictures, samples = synthetic_suite(options.work, options.data / "ict_facekit" / "ict_facekit.npz")
    pictures = pictures.of(pictures.ids[: options.limit])
    told = tell(study.asking, pictures, options.work)
    true = shown([samples[each] for each in pictures.ids])
    faces = [each.face for each in told]
    compared = {"claims": units.claimed(faces), "measurement": measured(faces)}
    named = f"synthetic suite, n = {len(told):,}, F1 of"
    for codes, which in ((DISFA, "the 12 DISFA units"), (action_units.measured_codes(), "all measurable units")):
        rows = [AU_CODES.index(code) for code in codes]
        for name, positive in compared.items():
            least = "0.70" if (name, codes) == ("claims", DISFA) else "reported"
            whole = mean(units.f1(positive[:, rows], true[:, rows], codes))
            yield f"{named} {name}, mean over {which}", figure(whole), least
    each = {name: figures(units.f1(positive, true)) for name, positive in compared.items()}
    for code in DISFA:
        for name in compared:
            yield f"{named} {name}, AU {code}", each[name][f"AU{code}"], "reported"


def shown(samples: list[Sample]) -> NDArray[np.bool_]:
    """(n, 24) whether a render truly shows a unit at B or more, on either side."""
    strongest: NDArray[np.float32] = true_strengths(samples).max(2)
    return strongest >= PRESENT


def measured(faces: list[FaceAnalysis | None]) -> NDArray[np.bool_]:
    """(n, 24) whether a unit measures at its threshold or more, on either side."""
    return np.array(
        [[face is not None and _strength(face, code) >= THRESHOLDS[code] for code in AU_CODES] for face in faces]
    )


def _strength(face: FaceAnalysis, code: int) -> float:
    sides = face.action_unit_sides.get(code, {}).values()
    return max((value for value in (face.action_units[code], *sides) if value is not None), default=0.0)


def faithfulness(study: Study) -> Iterator[Line]:
    """Claims against the measurement of the same face, whatever the model was told of it."""
    expressive = study.labels() != EMOTIONS.index("neutral")
    for told, words in TOLD.items():
        faces, named = study.faces(told=told), f"FER+ validation, {words}"
        least = ("0.90", "0.70", "1.5") if told == "own" else ("reported",) * 3
        verdicts = faithful.verdicts(faces)
        checked = figures(faithful.measured(verdicts))
        yield f"{named}: faithfulness", checked["faithfulness"], least[0]
        yield f"{named}: coverage", checked["coverage"], least[1]
        count = average([len(each) for each, shown in zip(verdicts, expressive, strict=True) if shown])
        yield f"{named}: claims a non-neutral face", figure(count), least[2]
        right = emotion.concluded(faces) == study.labels()
        yield f"{named}: accuracy", share(int(right.sum()), len(right)), "reported"


def forced(study: Study) -> Iterator[Line]:
    """Whether the conclusion depends on the observations."""
    pictures, labels = study.validation
    yield from dependence.lines(study.asking, pictures, study.told(), labels, study.options.work)


def read(study: Study) -> Iterator[Line]:
    """What the texts say by themselves."""
    told = _explained(study)
    yield from texts.agreement([each for _, each in told], study.options.arrays)
    yield from texts.against([each for _, each in told], [label == each.emotion for label, each in told])


def quality(study: Study) -> Iterator[Line]:
    """How well the texts hold together."""
    yield from texts.quality([each for _, each in _explained(study)])


def _explained(study: Study) -> list[tuple[str, Explanation]]:
    """The labels of the faces that were explained, and their explanations."""
    told = zip(study.labels(), study.faces(), strict=True)
    return [(EMOTIONS[label], face.explanation) for label, face in told if face and face.explanation]


def show(study: Study) -> None:
    """Twenty random answers, for the eye."""
    told = _explained(study)
    for label, each in random.Random(0).sample(told, min(SHOWN, len(told))):
        print(f"{label}: {texts.written(each)}\n")


def report(lines: Sequence[Line], seeds: Sequence[Line]) -> str:
    """The tables, in Markdown: of the first adapter, and of the mean of several."""
    if not seeds:
        return markdown(lines)
    return f"{markdown(lines)}\n\n## Mean of the seeds of the adapter, and each\n\n{markdown(seeds)}"


def markdown(lines: Sequence[Line]) -> str:
    """A Markdown table."""
    rows = [f"| {what} | {figure} | {least} |" for what, figure, least in lines]
    return "\n".join(["| what | measured | at least |", "|---|---|---|", *rows])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--work", type=Path, default=Path("runs/au"), help="holds synthetic-aus, and keeps the answers")
    parser.add_argument("--arrays", type=Path, default=Path("runs/nano/ferplus-train-64.npz"), help="for the reader")
    parser.add_argument("--model", default="nano", help="the base: a name or a folder")
    parser.add_argument("--adapter", action="append", help="a name or a folder; give it again for more seeds")
    parser.add_argument("--only", choices=PARTS, help="one part of the first adapter's figures, for a quick look")
    parser.add_argument("--limit", type=int, help="pictures of each set, for a quick look")
    parser.add_argument("--show", action="store_true", help=f"print {SHOWN} random answers first")
    parser.add_argument("--out", type=Path, help="folder for explanations.md and explanations.json")
    return parser.parse_args()


PARTS: dict[str, Callable[[Study], Iterator[Line]]] = {
    "accuracy": accuracy,
    "claims": claims,
    "faithfulness": faithfulness,
    "dependence": forced,
    "reader": read,
    "texts": quality,
}

if __name__ == "__main__":
    main()
