"""Answers on how faces differ, and what they have in common."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from facevlm.agent import evidence
from facevlm.agent.case import Case
from facevlm.agent.emotions import reading
from facevlm.agent.phrases import MOST, Said, cited, resting_on
from facevlm.agent.values import Sentence
from facevlm.agent.wording import joined, reply
from facevlm.data.cot.coding import Label
from facevlm.data.cot.coding import measured as coded
from facevlm.data.cot.compare import compare as compared
from facevlm.types import Face


def compare(case: Case) -> Said:
    """What faces have in common and where they differ."""
    faces = case.faces if len(case.faces) > 1 else case.picture.faces
    if len(faces) < 2:
        text = reply("not_there", case.rng, missing="second face", there="the picture has one face")
        yield Sentence(text=text, evidence=resting_on(case, faces))
        return
    case.step("compare", joined([f"face {face.id}" for face in faces]))
    yield from _several(case, faces) if len(faces) > 2 else [_two(case, faces)]


def _two(case: Case, pair: Sequence[Face]) -> Sentence:
    numbered = [(face.id, coded(face.action_units, claimed=0.2), Label(emotion=reading(case, face))) for face in pair]
    told = compared(numbered[0], numbered[1], case.rng)
    points = told.answer[:1].lower() + told.answer[1:].rstrip(".")
    same = numbered[0][2] == numbered[1][2] and numbered[0][1].seen == numbered[1][1].seen
    text = reply("same" if same else "alike", case.rng, points=points)
    text = text if _asks_whether(case) else text.split(": ", 1)[1]
    text = text[:1].upper() + text[1:]
    named = [code for code in told.aus if any(evidence.present(face, code) for face in pair)]
    return Sentence(text=text, evidence=resting_on(case, pair, tuple(named[:MOST])))


def _several(case: Case, faces: Sequence[Face]) -> Iterator[Sentence]:
    """What is common to all, and what each shows besides."""
    seen = {face.id: set(evidence.seen(face)) for face in faces}
    common = tuple(sorted(set.intersection(*seen.values())))
    emotions = {reading(case, face) for face in faces}
    key = "in_common" if common else "nothing_in_common"
    text = reply(key, case.rng, **{"for": cited(common)}, faces=joined([f"face {face.id}" for face in faces]))
    if _asks_whether(case):
        same = len(emotions) == 1 and all(each == set(common) for each in seen.values())
        text = f"{'Yes' if same else 'No'}: {text}"
    yield Sentence(text=text, evidence=resting_on(case, faces, common[:MOST]))
    for face in faces:
        own = tuple(code for code in evidence.seen(face) if code not in common)[:MOST]
        key = "line" if own else "line_alone"
        yield case.say(key, face, own, emotion=reading(case, face), **{"for": cited(own)})


def _asks_whether(case: Case) -> bool:
    return bool(re.match(r"(?:and |but )?(?:do|does|are|is|have)\b", case.question.text.lower()))
