"""What a reply about pictures consists of: which questions are put to the model, and what is told of its answers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial

from facevlm.completions import stating
from facevlm.completions.reading import Asked
from facevlm.completions.reply import FinishReason
from facevlm.completions.request import Detail
from facevlm.completions.writing import Known, Part, Reply, Told
from facevlm.errors import FaceVLMError, InputError, ModelError, OutputError
from facevlm.models import Answer
from facevlm.reasoning import FaceReasoner, telling
from facevlm.reasoning.parse import parse_answer
from facevlm.reasoning.seeing import Seen
from facevlm.reasoning.text import plain
from facevlm.types import Analysis, Conversation, Face, Generation

_FAILED = "No answer: the model failed."


class Composition:
    """The questions about some pictures, and the reply made of their answers.

    Of each picture the user's question is answered first, where there is one; then comes the explanation it rests on.
    In the Analysis' form the reply is that of the picture, or `{"analyses": […]}` of several. In a schema of the
    asker's own it is the answer to the question alone.

    Args:
        reasoner: asks and tells.
        seen: the pictures.
        asked: the request.
        detail: how much of the explanation is told.

    Raises:
        InputError: the question is too long, or an answer in the asker's own schema cannot be had: it is given about
            one picture, and by a model that sees it whole.
    """

    def __init__(self, reasoner: FaceReasoner, seen: Sequence[Seen], asked: Asked, detail: Detail) -> None:
        self.conversations: list[Conversation] = []
        self._reasoner = reasoner
        self._seen = seen
        self._asked = asked
        self._detail = detail
        self._began = time.perf_counter()
        if asked.form == "schema":
            _check_own_schema(reasoner, seen)
        self._questions = [self._add(self._questions_about(each)) for each in seen]
        self._explained = [self._add(reasoner.ask(each)) for each in seen]
        self._told: dict[int, Analysis] = {}
        self.reply = Reply(list(self._parts()), len(self.conversations))

    @property
    def analyses(self) -> tuple[Analysis, ...]:
        """Of each picture. Raises ModelError where the model failed on all of one."""
        return tuple(self._analysis(place) for place in range(len(self._seen)))

    def usage(self) -> dict[str, int]:
        """The tokens of all answers together."""
        counts = [each.usage for each in self._generations()]
        names = ("prompt_tokens", "completion_tokens")
        asked, written = (sum(count.get(name, 0) for count in counts) for name in names)
        return {"prompt_tokens": asked, "completion_tokens": written, "total_tokens": asked + written}

    @property
    def finish_reason(self) -> FinishReason:
        """`length` where the limit on tokens cut an answer off."""
        return "length" if any(each.cut for each in self._generations()) else "stop"

    def _generations(self) -> Iterator[Generation]:
        return (answer for answer in self.reply.answers if isinstance(answer, Generation))

    def _questions_about(self, seen: Seen) -> Sequence[Conversation]:
        if self._asked.dialogue is None or self._asked.form == "analysis":
            return ()
        question, faces = self._asked.dialogue.question, seen.marked.faces
        if self._reasoner.model.asks == "face" and all(stating.settled(question, face) for face in faces):
            return ()
        return self._reasoner.inquire(seen, self._asked.dialogue)

    def _add(self, conversations: Sequence[Conversation]) -> range:
        """Where in the row of all conversations these stand."""
        self.conversations += conversations
        return range(len(self.conversations) - len(conversations), len(self.conversations))

    def _parts(self) -> Iterator[Part]:
        match self._asked.form:
            case "analysis":
                yield Known(self._json, range(len(self.conversations)))
            case "schema":
                yield Told(self._questions[0][0], str, _given)
            case "text":
                for place in range(len(self._seen)):
                    yield from self._told_of(place)

    def _told_of(self, place: int) -> Iterator[Part]:
        if len(self._seen) > 1:
            yield Known(lambda: f"# Picture {place + 1}")
        faces = self._seen[place].marked.faces
        questions, explained = self._questions[place], self._explained[place]
        if self._reasoner.model.asks == "scene":
            yield from (Told(index, telling.answer, _no_answer) for index in questions)
            by_id = {face.id: face for face in faces}
            yield from (Told(index, lambda text: telling.scene(text, by_id, self._detail)) for index in explained)
        else:
            yield from self._answers(place)
            for index, face in zip(explained, faces, strict=True):
                yield Told(index, partial(_face, face, self._detail))
        yield Known(lambda: telling.closing(self._analysis(place), self._detail), explained)

    def _answers(self, place: int) -> Iterator[Part]:
        """What a model that is asked by face says of each, once it is whole: only then is it known whether it holds."""
        faces, asked = self._seen[place].marked.faces, iter(self._questions[place])
        question = self._asked.dialogue.question if self._asked.dialogue else ""
        known = [stating.settled(question, face) for face in faces]
        if known and known[0] and len(set(known)) == 1:  # as of what an action unit is, whoever shows it
            yield Known(partial(plain, known[0]))
            return
        for face, answer in zip(faces if question else (), known, strict=False):
            name = f"Face {face.id}: " if len(faces) > 1 else ""
            if answer:
                yield Known(partial(plain, f"{name}{answer}"))
            else:
                yield Told(next(asked), _nothing, partial(_checked, name, question, face))

    def _json(self) -> str:
        first, *others = self.analyses
        if not others:
            return first.model_dump_json()
        return f'{{"analyses": [{",".join(each.model_dump_json() for each in (first, *others))}]}}'

    def _analysis(self, place: int) -> Analysis:
        if place not in self._told:
            answers = [self.reply.answers[index] for index in self._explained[place]]
            known = _discreet([answer for answer in answers if answer is not None])
            self._told[place] = self._reasoner.tell(self._seen[place], known, time.perf_counter() - self._began)
        return self._told[place]


def _check_own_schema(reasoner: FaceReasoner, seen: Sequence[Seen]) -> None:
    if reasoner.model.asks == "face":  # it would fill any form with whatever fits, true or not
        raise InputError(
            f"response_format: {reasoner.model.name} writes no schema of yours; use json_object, which gives the "
            "Analysis, or a larger model with --upstream"
        )
    if len(seen) > 1:
        raise InputError("response_format: an answer in a schema of your own is about one picture; send one")


def _given(answer: Answer) -> str:
    """Nothing more, where there is an answer. Raises what the model failed with where there is none."""
    if isinstance(answer, FaceVLMError):
        raise answer
    return ""


def _nothing(written: str) -> str:
    """What is told of an answer before it is whole."""
    return ""


def _checked(name: str, question: str, face: Face, answer: Answer) -> str:
    """The answer where it holds, else what was measured."""
    if isinstance(answer, FaceVLMError):
        return f"{name}{_FAILED}"
    try:
        said = stating.held(parse_answer(answer.text), question, face)
    except OutputError:
        said = stating.measured(question, face)
    return f"{name}{plain(said)}"


def _no_answer(answer: Answer) -> str:
    """Why there is none; nothing where there is."""
    try:
        if isinstance(answer, FaceVLMError):
            return _FAILED
        parse_answer(answer.text)
    except OutputError as error:
        return f" (No answer: {plain(str(error))}.)"
    return ""


def _face(face: Face, detail: Detail, text: str) -> str:
    return telling.face(text, face, detail)


def _discreet(answers: Sequence[Answer]) -> list[Answer]:
    """Answers without what a model's server says of itself, unless it failed on all: then whoever runs it must know."""
    if all(isinstance(answer, ModelError) for answer in answers):
        return list(answers)
    return [ModelError("the model failed on this face") if isinstance(each, ModelError) else each for each in answers]
