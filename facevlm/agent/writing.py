"""A model's own words about one face, let stand only where a check finds them borne out."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from typing import NamedTuple, cast

from facevlm import facs, prompting
from facevlm.agent import evidence
from facevlm.agent.binding import MAX_TOKENS, answer_schema
from facevlm.agent.case import Case, Written
from facevlm.agent.checking import refused
from facevlm.agent.emotions import reading
from facevlm.agent.values import Sentence
from facevlm.agent.wording import canonical
from facevlm.data.cot import claims, wording
from facevlm.data.cot.parse import parse
from facevlm.errors import FaceVLMError, OutputError
from facevlm.models import ServedModel
from facevlm.prompting import Dialogue
from facevlm.prompting.render import QUESTION_LENGTH
from facevlm.reasoning import FaceReasoner
from facevlm.reasoning.parse import parse_answer
from facevlm.types import Conversation, Face, Generation

_OF_EMOTIONS = ("emotion", "looks", "why", "why_not")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


class Stopped(Exception):
    """The listener has gone, or time is up."""


class Passage(NamedTuple):
    """What is said, whether a template says it, and why the model's words were not taken."""

    sentences: tuple[Sentence, ...]
    stepped_in: bool = False
    reason: str = ""


def passage(reasoner: FaceReasoner, case: Case, asked: Written, stop: threading.Event) -> Passage:
    """The model's words where they hold, else the template's.

    Raises:
        Stopped: `stop` was set meanwhile.
    """
    try:
        text = _generated(reasoner, _conversation(reasoner, case, asked), stop)
    except OutputError as error:
        return Passage(asked.template, True, str(error))
    except FaceVLMError as error:
        case.failures.append(str(error))
        return Passage(asked.template, True, str(error))
    learnt = next(_mislearnt(text), None) if reasoner.model.asks == "face" else None
    reason = learnt or refused(text, case, asked)
    if reason:
        return Passage(asked.template, True, reason)
    return Passage(_sentences(text, case, asked.face))


def _mislearnt(text: str) -> Iterator[str]:
    """What a model that learnt the tables put together wrongly, or declines though nobody asked for it."""
    if claims.declined(text):
        yield "it declines what was not asked"
    yield from claims.garbled(text)


def _conversation(reasoner: FaceReasoner, case: Case, asked: Written) -> Conversation:
    seen, face = case.picture.seen, asked.face
    if reasoner.model.asks == "scene":  # a model that sees the whole picture is told which face is meant
        question = f"About face {face.id}: {case.question.text}"[: QUESTION_LENGTH["scene"] // 4]
        return prompting.inquire_scene(seen.marked, Dialogue(question=question))
    crop = seen.crops[[each.id for each in seen.marked.faces].index(face.id)]
    bound = Dialogue(question=_question(case, asked), answer_schema=answer_schema(asked))
    return prompting.inquire_face(face, crop, bound).model_copy(update={"max_tokens": MAX_TOKENS})


def _question(case: Case, asked: Written) -> str:
    """The user's question as a small model was taught it."""
    unit = (asked.units or (12,))[0]
    slots: dict[str, object] = {"au": unit, "name": facs.unit(unit).name}
    if case.question.intent in _OF_EMOTIONS:  # what a face reads as takes seconds to be known
        is_read = reading(case, asked.face)
        emotion = next(iter(case.question.emotions or case.focus.emotions), is_read)
        slots |= {"read": is_read, "emotion": emotion, "looks": wording.table("questions")["looks"][emotion]}
    asks = canonical(case.question.intent, case.rng, **slots)
    return asks or case.question.text[: QUESTION_LENGTH["face"] // 4]


def _generated(reasoner: FaceReasoner, conversation: Conversation, stop: threading.Event) -> str:
    """The answer, token by token where the model can be watched, so that it can be stopped."""
    model = cast(ServedModel, reasoner.model)

    async def heard() -> Generation:
        async for piece in model.pieces([conversation]):
            if stop.is_set():
                raise Stopped
            if isinstance(piece.answer, Exception):
                raise piece.answer
            if piece.answer is not None:
                return piece.answer
        raise OutputError("the model ended without an answer; ask again")

    with asyncio.Runner() as runner:
        return parse_answer(runner.run(heard()).text)


def _sentences(text: str, case: Case, face: Face) -> tuple[Sentence, ...]:
    """Each sentence with the evidence of the units it names, or of the face where it names none."""
    told = case.picture.known(face.id)
    parts = _SENTENCE.split(text.strip())
    parts[0] = case.where(face) + parts[0]
    return tuple(
        Sentence(text=part, evidence=evidence.of_units(case.picture.id, face, _codes(part), told), origin="model")
        for part in parts
    )


def _codes(text: str) -> tuple[int, ...]:
    try:
        told = parse(text)
    except OutputError:
        return ()
    return tuple(sorted(told.named | told.denied))
