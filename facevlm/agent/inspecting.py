"""Answers on how far a face can be read: how sure, what the check says, pose, quality, where things are."""

from __future__ import annotations

from typing import Any

from facevlm import facs
from facevlm.agent import evidence
from facevlm.agent.case import Case
from facevlm.agent.phrases import Said, spoken_of, unit
from facevlm.agent.values import Sentence
from facevlm.agent.wording import joined
from facevlm.reasoning import text
from facevlm.types import Check, Face

TURNED = 10.0  # degrees from which a head is called turned


def certainty(case: Case, face: Face) -> Said:
    """How sure the model is, and how far its claims are borne out."""
    told = case.explained(face)
    if told is None or told.explanation is None or told.explanation.probabilities is None:
        yield case.say("unsure_of", face, agreement=text.agreement(told) if told else "there is no explanation")
        return
    ranked = sorted(told.explanation.probabilities.items(), key=lambda pair: -pair[1])
    (first, share), (second, next_share) = ranked[0], ranked[1]
    then = f", {second} {text.percent(next_share)}"
    yield case.say("sure", face, emotion=first, share=text.percent(share), next=then)
    yield case.say("checked", face, agreement=text.agreement(told))


def checks(case: Case, face: Face) -> Said:
    """The claims of the explanation, each with its verdict."""
    told = case.explained(face)
    if told is None or not told.checks:
        yield case.say("nothing_claimed", face)
        return
    case.step("check", text.agreement(told))
    yield case.say("checked", face, tuple(each.au for each in told.checks), agreement=text.agreement(told))
    for each in told.checks:
        value = _held(face, each)
        yield case.say("claim", face, (each.au,), **unit(each.au), verdict=each.verdict, measured=value)


def _held(face: Face, claim: Check) -> str:
    """What a claim was held against: where it names no side the same number that all answers tell of the unit."""
    if claim.measured is None:
        return ""
    if claim.side != "both":
        return f", measured at {claim.measured:.2f} on the {claim.side}"
    value, stronger = evidence.strength(face.action_units.get(claim.au)), evidence.side(face, claim.au)
    sided = f" on the {stronger} and {claim.measured:.2f} over both sides" if stronger in ("left", "right") else ""
    return f", measured at {value:.2f}{sided}"


def pose(case: Case, face: Face) -> Said:
    """How the head is turned."""
    yaw, pitch, roll = face.pose.yaw, face.pose.pitch, face.pose.roll
    turn = (
        "turned to the person's left"
        if yaw > TURNED
        else "turned to the person's right"
        if yaw < -TURNED
        else "facing the camera"
    )
    nod = "raised" if pitch > TURNED else "lowered" if pitch < -TURNED else "level"
    tilt = "upright" if abs(roll) <= TURNED else f"tilted to the person's {'right' if roll > 0 else 'left'} shoulder"
    yield case.say("pose", face, turn=turn, nod=nod, tilt=tilt, yaw=yaw, pitch=pitch, roll=roll)


def quality(case: Case, face: Face) -> Said:
    """Whether the face can be trusted."""
    if face.quality.flags:
        yield case.say("poor", face, score=face.quality.score, flags=joined(list(face.quality.flags)))
    else:
        yield case.say("good", face, score=face.quality.score)


def where(case: Case, face: Face) -> Said:
    """Where in the picture a face is, or where on the face a unit shows."""
    if not case.question.units and (case.question.about.numbers or case.question.about.places or not case.focus.units):
        yield _place(case, face)
        return
    for code in spoken_of(case, face)[:2]:
        there = evidence.present(face, code)
        state = "it cannot be measured" if there is None else "it is seen here" if there else "it is not seen here"
        yield case.say("region", face, (code,), **unit(code), evidence=facs.unit(code).evidence[0], state=state)


def _place(case: Case, face: Face) -> Sentence:
    width, height = case.picture.seen.marked.image.size
    x, y = face.box.centre
    across = "on the left" if x < 0.4 * width else "on the right" if x > 0.6 * width else "in the middle"
    down = "high up" if y < 0.4 * height else "low down" if y > 0.6 * height else "halfway down"
    edges = {
        "left": face.box.x / width,
        "right": face.box.right / width,
        "top": face.box.y / height,
        "bottom": face.box.bottom / height,
    }
    percent: dict[str, Any] = {name: 100 * min(max(value, 0.0), 1.0) for name, value in edges.items()}
    return case.say("place", face, id=face.id, across=across, down=down, **percent)
