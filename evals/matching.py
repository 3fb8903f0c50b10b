"""What the matcher is worth, alone and beside the embedded VLM: `make matching` (needs the data folder).

    python evals/matching.py [--data ../shared/data] [--matcher nano-clip] [--zero-shot FOLDER]
        [--without EMOTION=FOLDER …] [--only labels fused retrieval unseen compound speed] [--fit]
        [--work runs/nano] [--answers runs/au] [--out evals/reports]

Label matching, fusion with the VLM, retrieval by action units, faces of a class a matcher was retrained without,
compound expressions, and speed. Temperature, weights of the fusion and the rule for «none of these» are fitted with
`--fit` on the tenth of FER+ training that nothing was trained on, and written into the matcher's facevlm.json.
Intervals are percentile bootstraps over faces, of the retrieval over queries; differences pair the faces. The parts
asked for take the place of those in the report; its others stay.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import nan
from pathlib import Path

import fitting
import matched
import numpy as np
from matched import Faces, Table
from numpy.typing import NDArray
from PIL import Image

from facevlm import facs, files
from facevlm.data.ferplus import Split
from facevlm.errors import FaceVLMError
from facevlm.evaluation.intervals import Figure, Line, difference, draw, figure
from facevlm.evaluation.metrics import Measure, calibration, emotion, mean, ranking
from facevlm.evaluation.metrics.measure import average, together
from facevlm.matching import captions, compound, unseen
from facevlm.matching.captions import Moved
from facevlm.matching.distributions import divergence, pooled
from facevlm.matching.index import searching
from facevlm.matching.labels import Description, embedded, labels
from facevlm.matching.loading import SHIPPED
from facevlm.matching.matcher import Matcher, Vectors
from facevlm.matching.matching import Choice
from facevlm.matching.opinion import WEIGHTS
from facevlm.training.embedded.teacher import unit_targets
from facevlm.types import EMOTIONS, Emotion

FIRST = 10  # of the faces found for a query are judged, and as many at least must be there to be found
SPEED = 1000  # crops


@dataclass(frozen=True)
class Study:
    """The matcher that is judged, and what with."""

    options: argparse.Namespace

    @cached_property
    def matcher(self) -> Matcher:
        return Matcher(self.options.matcher)

    @property
    def answers(self) -> Path:
        return Path(self.options.answers)

    def photographs(self, split: Split) -> Faces:
        faces = matched.photographs(self.options.data, split, self.options.work, self.options.workers)
        return faces.where(np.arange(len(faces)) < (self.options.limit or len(faces)))

    @cached_property
    def validation(self) -> Faces:
        """Those with a strict majority; one that is not found is wrong."""
        return self.photographs("valid").labelled

    @cached_property
    def held_out(self) -> Faces:
        faces = self.photographs("train").labelled
        return faces.where(faces.found)

    @cached_property
    def told(self) -> Table:
        """(n, 8) what the VLM says of validation."""
        return matched.told(self.validation, self.answers)[1]

    def seen(self, faces: Faces, matcher: Matcher | None = None) -> Vectors:
        return matched.seen(matcher or self.matcher, faces, self.options.work)

    def opinion(self, faces: Faces, describe: Description = "names") -> Table:
        """(n, 8) the matcher's probabilities."""
        return Choice(self.matcher, EMOTIONS, describe).probabilities(self.seen(faces))

    def fused(self, told: Table, opinion: Table) -> Table:
        weights = self.matcher.facts.get("fusion", WEIGHTS)
        return pooled([told, opinion], [weights["model"], weights["matcher"]])


def main() -> None:
    """Print the figures, and write them where asked."""
    options = _options()
    study = Study(options)
    command = " ".join(["python", *sys.argv])
    try:
        if options.fit:
            facts = fitting.fit(study.matcher, study.held_out, study.seen(study.held_out), study.answers)
            fitting.write(study.options.matcher, facts)
            print(json.dumps(facts, indent=1))
            study = Study(options)
        parts = {part: _rows(PARTS[part](study), command) for part in options.only}
    except FaceVLMError as error:
        print(f"matching: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
    print(markdown(parts))
    if options.out:
        write(options.out, parts)


def matching(study: Study) -> Iterator[Line]:
    """Labels by text: by the emotions' names, their action units, both; and by a matcher never told an emotion."""
    faces = study.validation
    for describe in ("names", "units", "both"):
        given = study.opinion(faces, describe)
        yield from _judged(f"described by {describe}", given, faces, "0.72" if describe == "names" else "reported")
    if study.options.zero_shot:
        other = Matcher(study.options.zero_shot)
        given = Choice(other, EMOTIONS, "units").probabilities(study.seen(faces, other))
        yield from _judged("zero-shot (no votes, no emotion's name ever seen), described by units", given, faces)


def fused(study: Study) -> Iterator[Line]:
    """The VLM alone, the matcher alone, and the two by the log-linear pool."""
    faces, told = study.validation, study.told
    opinion = study.opinion(faces)
    judged = {"the VLM": told, "the matcher": opinion, "fused": study.fused(told, opinion)}
    for name, given in judged.items():
        yield f"{name}: accuracy", figure(_accuracy(given, faces)), "reported"
        yield f"{name}: expected calibration error", figure(_calibration(given, faces)), "reported"
    gained = difference(_accuracy(judged["fused"], faces), _accuracy(told, faces))
    yield "fused less the VLM: accuracy", gained, "not below 0"
    surer = difference(_calibration(judged["fused"], faces), _calibration(told, faces))
    yield "fused less the VLM: expected calibration error", surer, "below 0"
    apart = divergence(told, opinion)
    wrong = np.where(np.isnan(apart), np.nan, likeliest(told) != faces.majority)
    yield "the VLM is wrong, told by the disagreement: AUROC", figure(ranking.auroc(apart, wrong)), "reported"


def retrieval(study: Study) -> Iterator[Line]:
    """Synthetic faces found by what a query says of their action units, as `facevlm index query --text` finds them."""
    arrays = matched.renders(study.options.renders, study.options.work, study.options.workers)
    queries = asked(arrays.truth)
    texts = study.matcher.texts([query for query, _ in queries])
    likeness = matched.vectors(study.matcher, arrays.marked, study.options.work) @ texts.T
    measured = unit_targets(replace(arrays, truth=np.full_like(arrays.truth, np.nan))).numpy()
    led = np.stack(
        [searching.scores(query, row, measured) for (query, _), row in zip(queries, likeness.T, strict=True)]
    )
    whole = [relevant(claim, arrays.truth, loose=True) for _, claim in queries]
    strict = [relevant(claim, arrays.truth) for _, claim in queries]
    named = f"{len(queries)} queries over {len(arrays):,} held-out synthetic faces: mean precision@{FIRST}"
    ways = {"led by measurement": led, "by likeness alone": likeness.T}
    for way, found in ways.items():
        shares = [precision(score, faces) for score, faces in zip(found, whole, strict=True)]
        yield f"{named}, {way}", figure(average(shares)), "0.70" if way == "led by measurement" else "reported"
        alone = [
            precision(score, faces)
            for score, faces, (_, claim) in zip(found, strict, queries, strict=True)
            if claim.side != "both"
        ]
        yield (
            f"… of the {len(alone)} of one side, true only where the other moves less, {way}",
            figure(average(alone)),
            "reported",
        )
    yield f"{named}, by chance", figure(average([each.mean() for each in whole])), "reported"
    for (query, _), faces, score in zip(queries, whole, led, strict=True):
        yield f"«{query}» ({faces.sum()} faces)", Figure(precision(score, faces), nan, nan, FIRST), "reported"


def nothing_fits(study: Study) -> Iterator[Line]:
    """Faces of an emotion told from those of the other seven, by a matcher that was trained without it."""
    scores = {left_out: _unfit(study, left_out, folder) for left_out, folder in study.options.without}
    truth = {each: study.validation.majority == EMOTIONS.index(each) for each in scores}
    draws = draw(len(study.validation))
    for name in next(iter(scores.values()), {}):
        for title, metric in (("AUROC", ranking.auroc), ("FPR@95", ranking.false_alarms)):
            each = {left_out: metric(scores[left_out][name], truth[left_out]) for left_out in scores}
            least = "0.70" if (title, name) == ("AUROC", "combined") else "reported"
            whole = mean(together(each))
            yield f"{name}: {title}, mean over {', '.join(each)}", figure(whole, draws), least
            if name in ("combined", "largest logit"):
                for left_out, measure in each.items():
                    yield f"{name}: {title}, without {left_out}", figure(measure, draws), "reported"


def mixed(study: Study) -> Iterator[Line]:
    """Faces on which two emotions lead the votes: which two, by each of the ways and by all together."""
    for which in ("c-expr", "raf-ce"):
        expressions = compound.expressions(which)
        faces, truth = matched.mixed(study.photographs("valid"), expressions)
        classes = [each.name for each in expressions]
        named = f"{which}, {len(classes)} expressions, n = {len(faces)}"
        yield f"{named}: chance", Figure(1 / len(classes), nan, nan, len(faces)), "reported"
        commonest = np.full(len(truth), np.bincount(truth).argmax())
        yield f"{named}: always the commonest", figure(emotion.accuracy(commonest, truth, classes)), "reported"
        for way, given in ways(study, faces, expressions).items():
            guess = likeliest(given)
            yield f"{named}: {way}", figure(emotion.accuracy(guess, truth, classes)), "reported"
            if way == "all three fused":
                balanced = emotion.balanced_accuracy(guess, truth, classes)
                yield f"{named}: {way}, balanced accuracy", figure(balanced), "reported"


def ways(study: Study, faces: Faces, asked: Sequence[facs.Compound]) -> dict[str, Table]:
    """(n, expressions) by each way to compound expressions, and all of them fused."""
    told, opinion, seen = matched.told(faces, study.answers)[1], study.opinion(faces), study.seen(faces)
    probabilities = study.fused(told, opinion)
    scale = study.matcher.scale / study.matcher.temperature
    by: dict[compound.Way, Table] = {
        "probabilities": compound.joint(probabilities, asked),
        "features": compound.similar(seen, embedded(study.matcher, labels(EMOTIONS)), asked, scale),
        "units": compound.fitting(faces.units, asked),
    }
    return {
        "pair-wise probabilities of the matcher": compound.aggregated(opinion, asked),
        "pair-wise probabilities of the VLM": compound.aggregated(told, asked),
        "pair-wise probabilities, fused": compound.aggregated(probabilities, asked),
        "pair-wise probabilities, fused, evened out": compound.aggregated(probabilities, asked, even_out=True),
        "pair-wise probabilities, fused, without faint ones": compound.aggregated(
            probabilities, asked, drop_faint=True
        ),
        "pair-wise products, fused": by["probabilities"],
        "pair-wise features": by["features"],
        "action units": by["units"],
        "all three fused": compound.fused(by),
    }


def speed(study: Study) -> Iterator[Line]:
    """Crops embedded in a second, on two threads."""
    matcher = Matcher(study.options.matcher, threads=2)
    crops = [Image.fromarray(each) for each in study.held_out.crops[:SPEED]]
    matcher.faces(crops[:64])
    rates = []
    for _ in range(3):
        started = time.perf_counter()
        matcher.faces(crops)
        rates.append(len(crops) / (time.perf_counter() - started))
    told = Figure(statistics.median(rates), min(rates), max(rates), len(crops))
    yield f"{len(crops):,} crops embedded, faces/s on two threads, median (least–most) of three rounds", told, "60"


PARTS: dict[str, Callable[[Study], Iterator[Line]]] = {
    "labels": matching,
    "fused": fused,
    "retrieval": retrieval,
    "unseen": nothing_fits,
    "compound": mixed,
    "speed": speed,
}


def asked(truth: NDArray[np.float32]) -> list[tuple[str, Moved]]:
    """What is asked for: every action unit, and each side of those that have two, where enough faces show it."""
    claims = [
        Moved(au=unit.code, side=side)
        for unit in facs.units()
        for side in (("both", "left", "right") if unit.sided else ("both",))
    ]
    often = [claim for claim in claims if relevant(claim, truth).sum() >= FIRST]
    return [(captions.briefly(captions.moving(claim)[0]), claim) for claim in often]


def relevant(claim: Moved, truth: NDArray[np.float32], *, loose: bool = False) -> NDArray[np.bool_]:
    """Which faces a claim is true of; read loosely, that of one side is true whatever the other does."""
    if not loose or claim.side == "both":
        nobody = np.zeros((len(truth), len(EMOTIONS)), np.float32)
        return captions.truth([claim], truth, nobody) >= 0.5
    other = truth.copy()
    other[..., 1 if claim.side == "left" else 0] = 0
    return relevant(claim.model_copy(update={"side": "both"}), other)


def precision(found: NDArray[np.float32], relevant: NDArray[np.bool_]) -> float:
    """Of the ten likest faces, the share that is relevant."""
    return float(relevant[np.argsort(-found, kind="stable")[:FIRST]].mean())


def likeliest(given: Table) -> NDArray[np.int64]:
    """The likeliest of each row, −1 where nothing is given."""
    return np.where(np.isnan(given).any(1), -1, given.argmax(1))


def _unfit(study: Study, left_out: Emotion, folder: str) -> dict[str, Table]:
    """The scores of validation by a matcher that was trained without an emotion."""
    matcher, known = Matcher(folder), [each for each in EMOTIONS if each != left_out]
    held_out, held_told = matched.told(study.held_out, study.answers, fitting.MOST)
    familiar = held_out.majority != EMOTIONS.index(left_out)
    fit = fitting.scores(matcher, study.seen(held_out, matcher), held_out.units, known, held_told)
    found = fitting.scores(matcher, study.seen(study.validation, matcher), study.validation.units, known, study.told)
    spreads = {name: unseen.spread(score[familiar & ~np.isnan(score)]) for name, score in fit.items()}
    alone = {name: spreads[name] for name in unseen.COMBINED}
    both = alone | {fitting.VLM: spreads[fitting.VLM]}
    apart = {fitting.VLM: found.pop(fitting.VLM)}
    return (
        found
        | {"combined": unseen.combined(found, alone)}
        | {
            f"{name} (it has seen every class)": score
            for name, score in {**apart, "combined, with the VLM": unseen.combined(found | apart, both)}.items()
        }
    )


def _judged(named: str, given: Table, faces: Faces, least: str = "reported") -> Iterator[Line]:
    guess = likeliest(given)
    of = f"n = {len(faces):,}, {named}"
    yield f"{of}: accuracy", figure(_accuracy(given, faces)), least
    common = emotion.macro_f1(guess, faces.majority, over=emotion.COMMON)
    yield f"{of}: macro-F1, classes with ≥ 100 faces", figure(common), "reported"
    yield f"{of}: macro-F1, all eight", figure(emotion.macro_f1(guess, faces.majority)), "reported"
    yield f"{of}: expected calibration error", figure(_calibration(given, faces)), "reported"


def _accuracy(given: Table, faces: Faces) -> Measure:
    return emotion.accuracy(likeliest(given), faces.majority)


def _calibration(given: Table, faces: Faces) -> Measure:
    return calibration.calibration_error(given.max(1), likeliest(given) == faces.majority)


def _rows(lines: Iterator[Line], command: str) -> list[dict[str, object]]:
    return [
        {"what": what, "measured": str(told), **told.as_json(), "at least": least, "command": command}
        for what, told, least in lines
    ]


def markdown(parts: Mapping[str, Sequence[dict[str, object]]]) -> str:
    """A Markdown table for each part, with the command that made it."""
    return "\n\n".join(_table(part, parts[part]) for part in PARTS if parts.get(part))


def write(out: Path, parts: Mapping[str, Sequence[dict[str, object]]]) -> None:
    """Put these parts into matching.md and matching.json, and leave the others that are there."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "matching.json"
    whole = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    whole |= {part: rows for part, rows in parts.items() if rows}
    kept = {part: whole[part] for part in PARTS if part in whole}
    for name, text in (
        ("matching.json", json.dumps(kept, indent=1, ensure_ascii=False)),
        ("matching.md", f"# Matching\n\n{markdown(kept)}"),
    ):
        files.write(out / name, text + "\n")


def _table(part: str, rows: Sequence[dict[str, object]]) -> str:
    lines = [f"| {row['what']} | {row['measured']} | {row['at least']} |" for row in rows]
    doc = (PARTS[part].__doc__ or "").strip()
    head = [f"## {part}", "", doc, "", f"`{rows[0]['command']}`", "", "| what | measured | at least |", "|---|---|---|"]
    return "\n".join([*head, *lines])


def _without(text: str) -> tuple[str, str]:
    name, _, folder = text.partition("=")
    if name not in EMOTIONS or not folder:
        raise argparse.ArgumentTypeError(f"{text!r}: give EMOTION=FOLDER with one of {', '.join(EMOTIONS)}")
    return name, folder


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--matcher", default=SHIPPED, help="a name or a folder")
    parser.add_argument("--zero-shot", metavar="FOLDER", help="a matcher trained with --no-labels")
    parser.add_argument(
        "--without", type=_without, action="append", default=[], metavar="EMOTION=FOLDER",
        help="a matcher trained with --without EMOTION; give it for each",
    )  # fmt: skip
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--fit", action="store_true", help="first fit what the matcher's facevlm.json holds")
    parser.add_argument("--work", type=Path, default=Path("runs/nano"), help="holds and keeps the faces as arrays")
    parser.add_argument("--renders", type=Path, default=Path("runs/nano/explain"), help="synthetic faces")
    parser.add_argument("--answers", type=Path, default=Path("runs/au"), help="keeps what the VLM answers")
    parser.add_argument("--workers", type=int, default=2, help="processes that find faces, where that is to be done")
    parser.add_argument("--limit", type=int, help="faces of each set of photographs, for a quick look")
    parser.add_argument("--out", type=Path, help="folder for matching.md and matching.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
