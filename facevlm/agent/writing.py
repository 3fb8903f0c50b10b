"""A model's own words about one face, let stand only where a check finds them borne out."""

from __future__ import annotations

import asyncio
import re
import threading
from typing import NamedTuple, cast

from facevlm import facs, prompting
from facevlm.agent import evidence
from facevlm.agent.case import Case, Written
from facevlm.agent.checking import refused
from facevlm.agent.values import Sentence
from facevlm.agent.wording import canonical
from facevlm.data.cot.parse import parse
from facevlm.errors import FaceVLMError, OutputError
from facevlm.models import ServedModel
from facevlm.prompting import Dialogue
from facevlm.prompting.render import QUESTION_LENGTH
from facevlm.reasoning import FaceReasoner
from facevlm.reasoning.parse import parse_answer
from facevlm.types import Conversation, Face, Generation

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_ELLIPTIC = 4  # words, below which a question does not stand by itself


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
        text = _generated(reasoner, _conversation(reasoner, case, asked.face), stop)
    except OutputError as error:
        return Passage(asked.template, True, str(error))
    except FaceVLMError as error:
        case.failures.append(str(error))
        return Passage(asked.template, True, str(error))
    reason = refused(text, case, asked.face)
    if reason:
        return Passage(asked.template, True, reason)
    return Passage(_sentences(text, case, asked.face))


def _conversation(reasoner: FaceReasoner, case: Case, face: Face) -> Conversation:
    seen, asks = case.picture.seen, reasoner.model.asks
    question = _question(case, face, whole=asks == "scene")[: QUESTION_LENGTH[asks] // 4]
    if asks == "scene":
        return prompting.inquire_scene(seen.marked, Dialogue(question=question))
    crop = seen.crops[[each.id for each in seen.marked.faces].index(face.id)]
    return prompting.inquire_face(face, crop, Dialogue(question=question))


def _question(case: Case, face: Face, *, whole: bool) -> str:
    """The user's words, or those they leave out; a model that sees the whole picture is told which face is meant."""
    asked, own = case.question, case.question.text
    if len(own.split()) < _ELLIPTIC or (asked.intent in ("strength", "side") and not asked.units):
        unit = (asked.units or case.focus.units or evidence.seen(face) or (12,))[0]
        emotion = (asked.emotions or case.focus.emotions or ("",))[0]
        own = canonical(asked.intent, case.rng, au=unit, name=facs.unit(unit).name, emotion=emotion) or own
    return f"About face {face.id}: {own}" if whole else own


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
