"""What a model that calls tools can do with a picture. Tools take and give numbers and words, no pixels."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from facevlm import facs
from facevlm.agent import comparing, evidence, finding, knowing, labelling
from facevlm.agent.album import Tell, View
from facevlm.agent.case import Case, Written
from facevlm.agent.looking import look_closely
from facevlm.agent.understanding import Question, understand
from facevlm.agent.values import Sentence, Step
from facevlm.errors import FaceVLMError, InputError
from facevlm.reasoning import FaceReasoner
from facevlm.types import Face


@dataclass
class Toolbox:
    """The tools over one picture, or over none."""

    view: View | None
    reasoner: FaceReasoner
    tell: Tell
    calls: list[str] = field(default_factory=list)

    def look(self, face: int, question: str) -> str:
        """Look closely at one face (by its number) and answer a question about what is seen there."""
        return look_closely(self.reasoner, self._picture(), self._face(face), question)

    def measure(self, face: int) -> str:
        """Action units of a face as measured (0 to 1), their sides, the head's pose and the quality of the picture."""
        found = self._face(face)
        units = {
            f"AU {code} {facs.unit(code).name}": {"value": unit.value, "left": unit.left, "right": unit.right}
            for code, unit in found.action_units.items()
            if evidence.present(found, code) is not False
        }
        seen = [f"AU {code}" for code in evidence.seen(found)]
        facts = {"face": face, "seen": seen, "units": units, "pose": found.pose.model_dump()}
        return json.dumps(facts | {"quality": found.quality.model_dump()})

    def explain(self, face: int) -> str:
        """What a face reads as and why: observations, interpretation, emotion, and how measurement bears each out."""
        told = next(each for each in self._picture().analysis(self.tell).faces if each.id == self._face(face).id)
        if told.explanation is None:
            return f"no explanation: {told.error}"
        checks = [each.model_dump() for each in told.checks]
        return json.dumps({"face": face, **told.explanation.model_dump(exclude={"probabilities"}), "checks": checks})

    def compare(self, first: int, second: int) -> str:
        """What two faces have in common and where they differ."""
        faces = (self._face(first), self._face(second))
        return self._words(comparing.compare, Question(text="How do they differ?", intent="compare"), faces)

    def find(self, what: str) -> str:
        """The numbers of the faces that fit words: «who smiles», «leftmost», «looks happiest»."""
        asked = understand(f"which face is {what}" if not what.lower().startswith(("who", "which")) else what)
        picture = self._picture()
        from facevlm.agent.referring import resolve

        found, missing = resolve(asked.about, picture.faces)
        faces = tuple(face for face in picture.faces if face.id in found) or picture.faces
        if missing:
            return f"not there: {', '.join(missing)}; {picture.found}"
        return self._words(finding.which, asked, faces)

    def match(self, face: int, labels: list[str]) -> str:
        """How well words of your choice fit a face, by a model that compares faces with texts: 0 to 1."""
        return json.dumps({"face": face, **labelling.likeness(self._picture(), self._face(face), labels)})

    def facs(self, what: str) -> str:
        """What FACS says: of an action unit («AU 12»: muscles, looks) or of an emotion («fear»: prototypes)."""
        asked = understand(f"what is {what}")
        answer = knowing.prototype if asked.emotions and not asked.units else knowing.definition
        return self._words(answer, asked, ())

    def functions(self) -> list[Callable[..., str]]:
        """The tools there are: of faces only where there is a picture with some."""
        faced: list[Callable[..., str]] = [self.look, self.measure, self.explain, self.compare, self.find]
        if labelling.installed():
            faced.append(self.match)
        there = self.view is not None and bool(self.view.faces)
        return [*(faced if there else []), self.facs]

    def _words(self, answer: Callable[[Case], Any], asked: Question, faces: tuple[Face, ...]) -> str:
        case = Case(asked, self.view, faces, tell=self.tell)
        said: list[Sentence] = []
        for each in answer(case):
            said += each.template if isinstance(each, Written) else [each]
        return " ".join(each.text for each in said)

    def _picture(self) -> View:
        if self.view is None:
            raise InputError("there is no picture in this conversation yet; ask for one")
        return self.view

    def _face(self, number: int) -> Face:
        for face in self._picture().faces:
            if face.id == number:
                return face
        raise InputError(f"there is no face {number}; {self._picture().found}, numbered from 1")


def offered(box: Toolbox) -> list[Any]:
    """The tools as LangChain takes them; what went wrong in one is told to the model, which may try again."""
    from langchain_core.tools import StructuredTool

    return [StructuredTool.from_function(func=_told(box, each), name=each.__name__) for each in box.functions()]


def _told(box: Toolbox, function: Callable[..., str]) -> Callable[..., str]:
    from functools import wraps

    @wraps(function)
    def call(*args: Any, **given: Any) -> str:
        box.calls.append(function.__name__)
        try:
            answer = function(*args, **given)
        except FaceVLMError as error:
            answer = f"error: {error}"
        box.tell(Step(name=function.__name__, found=answer if len(answer) < 80 else answer[:79] + "…"))  # type: ignore[arg-type]
        return answer

    return call
