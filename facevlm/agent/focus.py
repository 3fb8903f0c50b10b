"""What was spoken of, and so what a question means that leaves out its face, its movement or its emotion."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from facevlm.agent.album import View
from facevlm.agent.referring import resolve
from facevlm.agent.understanding import Question
from facevlm.agent.values import Sentence
from facevlm.types import Emotion, Value

OF_EMOTION = ("describe", "emotion", "looks", "why", "why_not")  # intents whose answers say what a face reads as


class Focus(Value):
    """What was spoken of last: faces and action units of a picture, and what was asked."""

    picture: str | None = None
    faces: tuple[int, ...] = ()
    units: tuple[int, ...] = ()
    emotions: tuple[Emotion, ...] = ()
    intent: str = ""


def completed(question: Question, focus: Focus, repeatable: Collection[str]) -> Question:
    """A question that repeats the last one about something else, with what it leaves out.

    `repeatable` are the intents that can be asked of any face.
    """
    if question.intent != "again":
        return question
    again = focus.intent in repeatable
    return question.model_copy(
        update={
            "intent": focus.intent if again else "describe",
            "units": question.units or (focus.units if again else ()),
            "emotions": question.emotions or (focus.emotions if again else ()),
        }
    )


def meant(question: Question, view: View, focus: Focus, *, every_one: bool) -> tuple[int, ...]:
    """The numbers of the faces a question is about. `every_one`: it asks among all of them where it points to none."""
    every = tuple(face.id for face in view.faces)
    found, _ = resolve(question.about, view.faces)
    spoken_of = focus.faces if focus.picture == view.id else ()
    if found:
        return found
    if question.about.numbers or question.about.places:
        return ()
    if question.about.other and spoken_of:
        return tuple(number for number in every if number not in spoken_of)
    return every if question.about.every or question.about.gendered or every_one else spoken_of or every


def after(question: Question, view: View, said: Sequence[Sentence], focus: Focus) -> Focus:
    """What was spoken of once a question is answered."""
    evidence = [each for sentence in said for each in sentence.evidence]
    named = {number: None for sentence in said for number in sentence.about}
    units = [each.au for each in evidence if each.au and each.present]
    read = {each.emotion for each in evidence if each.emotion}
    return Focus(
        picture=view.id,
        faces=tuple(named),
        units=question.units or tuple(dict.fromkeys(units))[:2] or focus.units,
        emotions=question.emotions or (tuple(read) if len(read) == 1 else ()),
        intent=question.intent,
    )
