"""From a sample to rows that are trained on: samples again, with a question and the text that answers it."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from facevlm import facs, prompting
from facevlm.data.cot import long, short, wording
from facevlm.data.cot.coding import Coding, Label, labelled, measured, phrased
from facevlm.data.cot.compare import compare
from facevlm.data.cot.parse import claims_of, parse
from facevlm.data.cot.questions import Pair, questions
from facevlm.data.cot.weigh import fits
from facevlm.data.sample import Sample
from facevlm.errors import InputError
from facevlm.types import Emotion, Face

Form = Literal["short", "long"]
SHORT_PROMPT = "sov-cot"


@dataclass(frozen=True)
class Plan:
    """What is written of each face: explanations of one form, and questions. One seed, one result."""

    form: Form = "long"
    per_face: int = 1
    questions: int = 0
    seed: int = 0

    def ids(self, sample: Sample) -> list[str]:
        """The rows of one face by id; of the questions, as many as the face allows will be there."""
        return [self.id(sample, self.form, number) for number in range(self.per_face)] + [
            self.id(sample, "question", number) for number in range(self.questions)
        ]

    def id(self, sample: Sample, form: str, number: int) -> str:
        return f"{sample.id}#{form}-{self.seed}-{number}"


@dataclass(frozen=True)
class Subject:
    """A sample with what is known of its action units and label; `face` is what was measured, if anything was."""

    sample: Sample
    coding: Coding
    label: Label | None
    face: Face | None


def subject(sample: Sample, face: Face | None) -> Subject:
    """A sample made ready, by its own action units or, where a face is given, by those measured on it.

    Raises:
        InputError: the sample has no action units of its own, or contradictory ones.
    """
    if face is not None:
        coding = measured(face.action_units)
    elif sample.aus is not None:
        coding = labelled(sample.aus)
    else:
        raise InputError("has no action units; have them measured with --aus measured")
    return Subject(sample, coding, label_of(sample, coding), face)


def label_of(sample: Sample, coding: Coding) -> Label | None:
    """The sample's label; without one what the units show by themselves, if they make a whole prototype or none stirs.

    None where there is no label and the units do not settle it.
    """
    emotion = sample.emotion or _likeliest(sample) or _first_of(sample.compound)
    if emotion is not None:
        return Label(emotion=emotion, distribution=sample.distribution, compound=sample.compound)
    best = fits(coding)[0]
    if best.whole:
        return Label(emotion=best.emotion)
    core = frozenset({1, 2, 4, 6, 12, 15, 25})
    return Label(emotion="neutral") if not coding.seen and core <= coding.absent else None


def explained(each: Subject, plan: Plan) -> Iterator[Sample]:
    """The explanations of one face; none where it has no label."""
    if each.label is None:
        return
    claims = [claim.model_dump() for claim in claims_of(each.coding)]
    for number in range(plan.per_face):
        name = plan.id(each.sample, plan.form, number)
        rng = random.Random(name)
        question, text = _short(each, rng) if plan.form == "short" else _long(each, rng)
        told = claims if plan.form == "long" else [claim.model_dump() for claim in parse(text).claims]
        yield _row(each.sample, name, question, text, {"form": plan.form, "seed": plan.seed, "claims": told})


def asked(each: Subject, plan: Plan) -> Iterator[Sample]:
    """The questions on one face and their answers."""
    rng = random.Random(f"{each.sample.id}#questions-{plan.seed}")
    for number, pair in enumerate(questions(each.coding, each.label, rng, plan.questions)):
        yield _row(each.sample, plan.id(each.sample, "question", number), pair.question, pair.answer, _of(pair, plan))


def compared(faces: Sequence[Subject], plan: Plan) -> Iterator[Sample]:
    """Each face of a picture compared with the next smaller one, numbered by the area of their boxes.

    The row is about the picture: it has no box, and no label of its own. `details` names the faces' samples.
    """
    boxed = [each for each in faces if each.sample.box is not None]
    ranked = sorted(boxed, key=lambda each: -each.sample.box.area if each.sample.box else 0.0)
    for number, (one, other) in enumerate(pairwise(ranked), start=1):
        name = f"{one.sample.id}+{other.sample.id}#compare-{plan.seed}"
        pair = compare((number, one.coding, one.label), (number + 1, other.coding, other.label), random.Random(name))
        whole = one.sample.model_copy(update=dict.fromkeys(("box", "emotion", "distribution", "compound", "aus")))
        faces_named = {str(place): each.sample.id for place, each in enumerate(ranked, start=1)}
        yield _row(whole, name, pair.question, pair.answer, _of(pair, plan) | {"faces": faces_named})


def moved(sample: Sample, root: Path, folder: Path) -> Sample:
    """The sample for a file in another folder: its relative picture leads there from the new one."""
    return sample.model_copy(update={"image": os.path.relpath(root / sample.image, folder)})


def _short(each: Subject, rng: random.Random) -> tuple[str, str]:
    assert each.label is not None
    prompt = prompting.load(SHORT_PROMPT, "face")
    seen = phrased(each.coding.observations[: short.MOST], rng)
    text = short.write(seen, short.interpret(seen, each.label.emotion, rng), each.label.emotion, prompt.answer)
    cues, units = (each.face.cues, each.face.action_units) if each.face is not None else ({}, {})
    return prompting.face_text(prompt, cues, units).strip(), text


def _long(each: Subject, rng: random.Random) -> tuple[str, str]:
    assert each.label is not None
    question = wording.sentence(wording.table("questions")["explain"]["ask"], {}, rng)
    return question, long.write(each.coding, each.label, rng)


def _of(pair: Pair, plan: Plan) -> dict[str, Any]:
    claims = [claim.model_dump() for claim in parse(pair.answer).claims]
    return {"form": "question", "kind": pair.kind, "seed": plan.seed, "aus": list(pair.aus), "claims": claims}


def _row(sample: Sample, name: str, question: str, text: str, details: dict[str, Any]) -> Sample:
    new = {"id": name, "question": question, "text": text, "details": sample.details | details}
    return sample.model_copy(update=new)


def _likeliest(sample: Sample) -> Emotion | None:
    shares = sample.distribution or {}
    return max(shares, key=lambda emotion: shares[emotion], default=None)


def _first_of(name: str | None) -> Emotion | None:
    return next((row.emotions[0] for row in facs.compounds() if row.name == name), None)
