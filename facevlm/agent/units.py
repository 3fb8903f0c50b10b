"""Answers about the action units of a face: whether they are there, how strongly, on which side, and by what."""

from __future__ import annotations

import re

from facevlm import facs
from facevlm.agent import evidence
from facevlm.agent.case import Case, Written
from facevlm.agent.phrases import Said, cited, measured, spoken_of, unit, values
from facevlm.agent.values import Sentence
from facevlm.agent.wording import joined
from facevlm.data.cot.presence import alone
from facevlm.faces.action_units import THRESHOLDS
from facevlm.types import Face

OPENINGS = {"both_sides": "Yes", "only_both": "No", "stronger_side": "No", "side_yes": "Yes", "side_no": "No"}
NARROW = 0.03  # of the threshold, within which a measurement may be taken either way


def presence(case: Case, face: Face) -> Said:
    """Whether units are there: any where everyday words name several of a kind, each where numbers do."""
    asked = case.question.units
    opposite = case.question.opposite is not case.question.negated
    measured(case, face, asked)
    there = [code for code in asked if evidence.present(face, code)]
    known = [code for code in asked if evidence.present(face, code) is not None]
    if case.question.together:
        yield from _together(case, face, asked)
    elif (len(asked) > 1 and _numbered(case)) or not known:
        for code in asked:
            yield _presence(case, face, code, opposite)
    elif not there and len(known) > 1:
        yield _none_of(case, face, tuple(known), opposite)
    else:
        code = (there or known)[0]
        said = _presence(case, face, code, opposite)
        yield said if opposite else Written(face, (said,), (code,), opening="Yes" if there else "No")
        yield from _narrow(case, face, code)
        yield from (_presence(case, face, each, opposite, "too") for each in there[1:])


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
    asked = asked if case.question.units else (*asked, *(each for each in evidence.seen(face) if each not in asked))
    measured(case, face, asked)
    there = [each for each in asked if evidence.present(face, each)] or asked[:1]
    sided = [each for each in there if evidence.side(face, each)] or there
    for code in sided[: 2 if case.question.units else 1]:
        yield from _side(case, face, code)


def _side(case: Case, face: Face, code: int) -> Said:
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
        worded = stronger == "both" or alone(measure)  # the model has no word for «stronger»
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


def _together(case: Case, face: Face, asked: tuple[int, ...]) -> Said:
    """Whether all of some units are there; those that are not come first."""
    ranked = sorted(asked, key=lambda code: bool(evidence.present(face, code)))
    lacking = [code for code in ranked if not evidence.present(face, code)]
    for code in ranked:
        if lacking and code not in lacking:
            yield case.say("values", face, (code,), **{"for": cited((code,))}, list=values(face, (code,)))
        else:
            yield _presence(case, face, code, False, "too" if not lacking and code != ranked[0] else "")


def _none_of(case: Case, face: Face, codes: tuple[int, ...], opposite: bool) -> Sentence:
    told = [
        f"AU {code} ({facs.unit(code).name}) at {evidence.strength(face.action_units.get(code)):.2f}" for code in codes
    ]
    threshold = max(THRESHOLDS[code] for code in codes)
    return case.say("opposite_" * opposite + "none_of", face, codes, list=joined(told), threshold=threshold)


def _narrow(case: Case, face: Face, code: int) -> Said:
    """That a unit is as good as at its threshold."""
    value = evidence.strength(face.action_units.get(code))
    if value is not None and abs(value - THRESHOLDS[code]) < NARROW:
        yield case.say("narrow", face, (code,), value=value, threshold=THRESHOLDS[code])


def _presence(case: Case, face: Face, code: int, opposite: bool, key: str = "") -> Sentence:
    value, there = evidence.strength(face.action_units.get(code)), evidence.present(face, code)
    if value is None:
        return case.say("unmeasured", face, (code,), **unit(code))
    key = key or ("opposite_absent" if opposite else "there") if there else ("opposite_there" if opposite else "absent")
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
    if re.match(r"(?:and |but )?(?:is|are|does|do)\b", text) and case.question.side and " or " not in text:
        return "only_both" if stronger == "both" else "side_yes" if stronger == case.question.side else "side_no"
    if re.search(r"\bother (?:side|half|brow|eye|cheek|corner)", text):
        return "alike_sides" if stronger == "both" else "which_side"
    if stronger == "both":
        return "either_side" if which else "only_both" if one else "both_sides"
    return "which_side" if which or one else "stronger_side"
