"""One model asked about pictures under the conditions of a suite: first they are made ready, then answered together.

The chain is that of `FaceReasoner`; what is added are the condition, the raw texts and the row.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from PIL import Image

from facevlm.config import Settings
from facevlm.errors import InputError, ModelError
from facevlm.evaluation import damage, variations
from facevlm.evaluation.metrics import attribution
from facevlm.evaluation.questions import Item
from facevlm.evaluation.rows import Row, Truth
from facevlm.evaluation.suite import Condition, Suite
from facevlm.faces.decode import Source
from facevlm.models import Answer, Model
from facevlm.models.local import LocalModel
from facevlm.reasoning import FaceReasoner
from facevlm.reasoning.seeing import Seen
from facevlm.types import Conversation, Generation

_NO_PIXELS = Image.new("RGB", (1, 1))


@dataclass(frozen=True)
class Question:
    """One picture under one condition. `other` is whose measurements are told where they are exchanged, `begun` how
    the answer begins where it is forced.
    """

    item: Item
    condition: Condition
    draw: int = 0
    other: Item | None = None
    begun: str | None = None

    @property
    def key(self) -> tuple[str, str, int]:
        return self.item.id, self.condition.name, self.draw


@dataclass(frozen=True)
class Ready:
    """A question ready for the model, or why its picture cannot be asked about."""

    question: Question
    truth: Truth
    seen: Seen | None
    conversations: tuple[Conversation, ...] = ()
    error: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Failed:
    """A question that the model failed to answer: it has no row, and a second run asks it again."""

    question: Question
    error: ModelError


class Asker:
    """Asks one model. `ready` and `answer` may run in different threads.

    Args:
        model: what answers.
        suite: its prompt, marks and conditions.
        seed: of answers that are sampled.
        sampled: whether they are; else the likeliest is taken.
    """

    def __init__(self, model: Model, suite: Suite, seed: int = 0, *, sampled: bool = False) -> None:
        self.model = model
        self._suite, self._seed, self._settings = suite, seed, Settings()
        self._temperature = suite.temperature if sampled else 0.0
        self._reasoner = cache(self._made)
        for condition in suite.conditions:
            self.reasoner(condition)  # a wrong prompt is told before anything is asked

    def reasoner(self, condition: Condition) -> FaceReasoner:
        """The chain with the prompt and the marks of a condition. Raises InputError where there is no such prompt."""
        return self._reasoner(condition.prompt or self._suite.prompt, condition.marks or self._suite.marks)

    def ready(self, questions: Sequence[Question]) -> list[Ready]:
        """The questions of one batch with their pictures seen and their conversations written."""
        return [self._ready(question) for question in questions]

    def answer(self, batch: Sequence[Ready]) -> list[Row | Failed]:
        """The rows of one batch, whose questions share condition and draw; they are answered together."""
        conversations = [each for ready in batch for each in ready.conversations]
        started = time.perf_counter()
        answers = iter(self._answers(batch, conversations))
        share = (time.perf_counter() - started) / max(len(conversations), 1)
        return [self._row(ready, [next(answers) for _ in ready.conversations], share) for ready in batch]

    def _made(self, prompt: str, marks: str) -> FaceReasoner:
        return FaceReasoner(self.model, prompt=prompt, marks=marks, settings=self._settings)

    def _ready(self, question: Question) -> Ready:
        started = time.perf_counter()
        try:
            source, truth = _source(question.item, question.condition)
            reasoner = self.reasoner(question.condition)
            seen = reasoner.see(source)
            conversations = self._told(question, reasoner, seen)
        except InputError as error:
            return Ready(question, question.item.truth, None, error=str(error))
        return Ready(question, truth, _without_pixels(seen), conversations, seconds=time.perf_counter() - started)

    def _told(self, question: Question, reasoner: FaceReasoner, seen: Seen) -> tuple[Conversation, ...]:
        own = reasoner.ask(seen)
        match question.condition.told:
            case "withheld":
                return tuple(variations.withheld(reasoner.prompt, each) for each in own)
            case "exchanged" if question.other is not None:
                others = reasoner.ask(reasoner.see(question.other.open()))
                if not others:  # nothing was measured where no face was found
                    return tuple(variations.withheld(reasoner.prompt, each) for each in own)
                return tuple(variations.exchanged(each, others[0]) for each in own)
        return own

    def _answers(self, batch: Sequence[Ready], conversations: Sequence[Conversation]) -> list[Answer]:
        if not conversations:
            return []
        begun = [ready.question.begun for ready in batch for _ in ready.conversations]
        texts = [text for text in begun if text is not None]
        if texts:
            assert isinstance(self.model, LocalModel)  # `plan.left_out` leaves out what others cannot be asked
            return variations.Forced(self.model, iter(texts)).generate(conversations)
        seed = self._seed + batch[0].question.draw
        return self.model.generate(conversations, temperature=self._temperature, seed=seed)

    def _row(self, ready: Ready, answers: Sequence[Answer], share: float) -> Row | Failed:
        question, item = ready.question, ready.question.item
        seconds = ready.seconds + share * len(answers)
        others = {} if question.other is None else {"other": question.other.id}
        row = Row(
            id=item.id, condition=question.condition.name, draw=question.draw, image=item.image,
            group=item.group | others, truth=ready.truth, seconds=round(seconds, 4), error=ready.error,
        )  # fmt: skip
        if ready.seen is None:
            return row
        try:
            analysis = self.reasoner(question.condition).tell(ready.seen, answers, seconds)
        except ModelError as error:
            return Failed(question, error)
        info = analysis.image.model_copy(update={"source": item.id})
        raw = tuple(each.text if isinstance(each, Generation) else str(each) for each in answers)
        return row.model_copy(
            update={
                "answer": analysis.model_copy(update={"image": info, "marked": None}),
                "raw": raw,
                "places": self._places(ready),
            }
        )

    def _places(self, ready: Ready) -> dict[int, attribution.Places]:
        """Where the regions of each face are: kept for the one picture that others are read against."""
        heated = {self._suite.conditions[0].name} if self._suite.heat else set()
        if ready.seen is None or ready.question.condition.name not in heated | self._suite.greyed.keys():
            return {}
        return {face.id: attribution.places(face.landmarks) for face in ready.seen.marked.faces}


def _source(item: Item, condition: Condition) -> tuple[Source, Truth]:
    """What is looked at: the file as it is where nothing is done to it."""
    if condition.whole and condition.damage is None and not condition.mirrored:
        return item.path or item.open(), item.truth
    return damage.changed(item.open(), item.truth, condition, f"{item.id} {condition.name}")


def _without_pixels(seen: Seen) -> Seen:
    """The model has its own pictures in the conversations; a batch of large photographs would fill the memory."""
    return replace(seen, crops=(), marked=seen.marked.model_copy(update={"image": _NO_PIXELS}))
