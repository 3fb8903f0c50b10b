"""Answers about the action units of a face: whether they are there, how strongly, on which side, and by what."""

from __future__ import annotations

from facevlm import facs
from facevlm.agent import claims, evidence
from facevlm.agent.case import Case, Written
from facevlm.agent.phrases import Said, measured, spoken_of, unit
from facevlm.agent.values import Sentence
from facevlm.faces.action_units import THRESHOLDS
from facevlm.types import Face

OPENINGS = {"both_sides": "Yes", "only_both": "No", "stronger_side": "No"}  # of answers to questions of sides


def presence(case: Case, face: Face) -> Said:
    """Whether units are there: one where everyday words name several of a kind."""
    asked, opposite = case.question.units, case.question.opposite
    measured(case, face, asked)
    there = [code for code in asked if evidence.present(face, code)]
    known = [code for code in asked if evidence.present(face, code) is not None]
    together = len(asked) > 1 and _numbered(case)
    if together or not known:
        for code in asked:
            yield _presence(case, face, code, opposite)
        return
    code = there[0] if there else known[0]
    said = _presence(case, face, code, opposite)
    yield said if opposite else Written(face, (said,), (code,), opening="Yes" if there else "No")


def strength(case: Case, face: Face) -> Said:
    """How strong units are."""
    asked = spoken_of(case, face)
    measured(case, face, asked)
    there = tuple(code for code in asked if evidence.present(face, code))
    for code in there[:2] or asked[:1]:
        value = evidence.strength(face.action_units.get(code))
        if value is None:
            yield case.say("unmeasured", face, (code,), **unit(code))
        elif not there:
            yield case.say("not_strong", face, (code,), **unit(code), value=value)
        else:
            letter = evidence.grade(face, code) or "A"
            said = case.say(
                "strong", face, (code,), **unit(code), value=value, letter=letter, word=facs.intensity_word(letter)
            )
            yield Written(face, (said,), (code,))


def side(case: Case, face: Face) -> Said:
    """On which side of the face units are stronger, or whether they are even."""
    asked = spoken_of(case, face)
    measured(case, face, asked)
    code = next((each for each in asked if evidence.present(face, each)), asked[0])
    measure = face.action_units.get(code)
    value = evidence.strength(measure)
    if value is None:
        yield case.say("unmeasured", face, (code,), **unit(code))
    elif not evidence.present(face, code):
        yield case.say("no_side", face, (code,), **unit(code), value=value)
    elif measure is None or measure.left is None or measure.right is None:
        yield case.say("unsided", face, (code,), **unit(code), value=value)
    else:
        stronger = evidence.side(face, code)
        high, low = max(measure.left, measure.right), min(measure.left, measure.right)
        key = _side_key(case, stronger)
        said = case.say(key, face, (code,), **unit(code), side=stronger, high=high, low=low)
        worded = stronger == "both" or claims.one_sided(face, code)  # the model has no word for «stronger»
        yield Written(face, (said,), (code,), opening=OPENINGS.get(key, "")) if worded else said


def grounds(case: Case, face: Face) -> Said:
    """What was measured of the units that were spoken of."""
    measured(case, face, case.focus.units)
    there = [code for code in case.focus.units if evidence.present(face, code)]
    for code in there or case.focus.units[:1]:
        value, letter = evidence.strength(face.action_units.get(code)), evidence.grade(face, code)
        if value is None:
            yield case.say("unmeasured", face, (code,), **unit(code))
            continue
        slots = {"evidence": facs.unit(code).evidence[0], "word": facs.intensity_word(letter) if letter else ""}
        key = "grounds" if code in there else "no_grounds"
        yield case.say(key, face, (code,), **unit(code), **slots, value=value, threshold=THRESHOLDS[code])


def _presence(case: Case, face: Face, code: int, opposite: bool) -> Sentence:
    value, there = evidence.strength(face.action_units.get(code)), evidence.present(face, code)
    if value is None:
        return case.say("unmeasured", face, (code,), **unit(code))
    key = ("opposite_absent" if opposite else "there") if there else ("opposite_there" if opposite else "absent")
    letter = evidence.grade(face, code)
    slots = {"evidence": facs.unit(code).evidence[0], "word": facs.intensity_word(letter) if letter else ""}
    return case.say(key, face, (code,), **unit(code), **slots, value=value, threshold=THRESHOLDS[code])


def _numbered(case: Case) -> bool:
    return any(character.isdigit() for character in case.question.text)


def _side_key(case: Case, stronger: str | None) -> str:
    """Questions of which side, of whether both, and of whether one alone are answered differently."""
    text = case.question.text.lower()
    which = any(word in text for word in ("which", "what", "where", " or ", "stronger", "more"))
    one = "one side" in text or "only" in text or "one-sided" in text
    if stronger == "both":
        return "either_side" if which else "only_both" if one else "both_sides"
    return "which_side" if which or one else "stronger_side"
