"""One question with all that an answer to it may draw on."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from facevlm.agent import evidence
from facevlm.agent.album import View
from facevlm.agent.focus import Focus
from facevlm.agent.understanding import Question
from facevlm.agent.values import Evidence, Sentence, Step, Tool
from facevlm.agent.wording import reply
from facevlm.data.cot import coding, wording
from facevlm.data.cot.weigh import Weighing, weigh
from facevlm.errors import FaceVLMError
from facevlm.types import EMOTIONS, Emotion, Face, FaceAnalysis


@dataclass(frozen=True)
class Written:
    """A passage the model may write about one face, and what is said where its words do not hold.

    `units` are those the words should rest on, in their order, `lacking` those they may say are absent; `opening` is a
    pattern of how they begin.
    """

    face: Face
    template: tuple[Sentence, ...]
    units: tuple[int, ...] = ()
    lacking: tuple[int, ...] = ()
    opening: str = ""


@dataclass(frozen=True)
class Case:
    """A question, the picture it is about, the faces that are meant, and what the user told of the situation."""

    question: Question
    view: View | None
    faces: tuple[Face, ...] = ()
    told: tuple[str, ...] = ()
    focus: Focus = field(default_factory=Focus)
    tell: Callable[[Step], None] = lambda step: None
    failures: list[str] = field(default_factory=list)

    @cached_property
    def rng(self) -> random.Random:
        return random.Random(self.question.text)

    @property
    def picture(self) -> View:
        assert self.view is not None, "only questions about a picture come here"
        return self.view

    def step(self, name: Tool, found: str) -> None:
        """Tells those who watch what was done."""
        self.tell(Step(name=name, found=found))

    def explained(self, face: Face) -> FaceAnalysis | None:
        """What the model says of a face, None where it failed on it; `failures` then says why."""
        try:
            told = self.picture.analysis(self.tell)
        except FaceVLMError as error:
            self.failures.append(str(error))
            return None
        return next((each for each in told.faces if each.id == face.id), None)

    def emotion(self, face: Face) -> Emotion | None:
        """What the face reads as, by the model."""
        told = self.explained(face)
        return told.explanation.emotion if told and told.explanation else None

    def weighing(self, face: Face, emotion: Emotion) -> Weighing:
        """The measured evidence for and against an emotion."""
        return weigh(coding.measured(face.action_units, claimed=0.2), emotion)

    def say(self, key: str, face: Face | None = None, units: tuple[int, ...] = (), **slots: Any) -> Sentence:
        """A sentence from `replies.yaml`, with the evidence of the units it names, or of the face."""
        about: tuple[Evidence, ...] = ()
        if face is not None:
            told = self.picture.known(face.id)
            about = evidence.of_units(self.picture.id, face, units, told)
            slots |= {"face": self.called(face), "where": self.where(face)}
        return Sentence(
            text=reply(key, self.rng, **slots), evidence=about, origin="tables" if face is None else "template"
        )

    def called(self, face: Face) -> str:
        return "the face" if len(self.picture.faces) == 1 else f"face {face.id}"

    def where(self, face: Face) -> str:
        return "" if len(self.picture.faces) == 1 else f"Face {face.id}: "

    def listed(self, face: Face, codes: tuple[int, ...]) -> wording.Units:
        """«AU 12 (lip corner puller, severe) and AU 25 (lips part, slight)»."""
        return wording.Units(codes, wording.joined([_graded(face, code) for code in codes]))


def scores(case: Case, face: Face) -> dict[Emotion, float]:
    """How much a face looks like each emotion: the model's probabilities and what is measured, evenly."""
    told = case.explained(face)
    given = told.explanation.probabilities if told and told.explanation else None
    likely = given or {each: float(each == case.emotion(face)) for each in EMOTIONS}
    measured = {fit.emotion: min(fit.score, 1.0) for fit in case.weighing(face, "neutral").fits}
    most = max((evidence.strength(face.action_units[code]) or 0.0 for code in evidence.seen(face)), default=0.0)
    measured["neutral"] = 1.0 - most
    return {each: (likely[each] + measured.get(each, 0.0)) / 2 for each in EMOTIONS}


def each_face(case: Case, about: Callable[[Case, Face], Iterator[Sentence | Written]]) -> Iterator[Sentence | Written]:
    """What is said of each of the faces that are meant."""
    for face in case.faces:
        yield from about(case, face)


def _graded(face: Face, code: int) -> str:
    from facevlm import facs

    letter = evidence.grade(face, code)
    return f"AU {code} ({facs.unit(code).name}, {facs.intensity_word(letter)})" if letter else f"AU {code}"
