"""Answers about single faces: what shows, how strongly, on which side, what it reads as and why."""

from __future__ import annotations

from collections.abc import Iterator

from facevlm import facs
from facevlm.agent import claims, evidence
from facevlm.agent.case import Case, Written
from facevlm.agent.values import Sentence
from facevlm.agent.wording import Units, joined
from facevlm.data.cot import coding, wording
from facevlm.data.cot.weigh import COMMON, supporting
from facevlm.faces.action_units import THRESHOLDS
from facevlm.types import Emotion, Face

MOST = 5  # action units listed in one sentence
LISTED = 3  # by the model
OPENINGS = {"both_sides": "Yes", "only_both": "No", "stronger_side": "No"}  # of answers to questions of sides

Said = Iterator[Sentence | Written]


def describe(case: Case, face: Face) -> Said:
    """What is seen on a face, and what it reads as."""
    units = evidence.seen(face)[:MOST]
    measured(case, face)
    if units:
        yield Written(face, (case.say("listed", face, units, list=case.listed(face, units)),), _strongest(face))
    else:
        yield case.say("nothing", face)
    yield from read(case, face)


def emotion(case: Case, face: Face) -> Said:
    """What a face reads as, with what speaks for it."""
    told, is_read = reads(case, face), reading(case, face)
    support, whole = support_of(case, face, is_read), bool(evidence.seen(face))
    openings = (is_read.capitalize(), f"It reads as {is_read}")
    if whole and not support:
        openings = (f"{is_read.capitalize()}, read from the", f"It reads as {is_read}, from the")
    yield Written(face, (told,), support, opening=f"(?:{'|'.join(openings)})")
    yield from rather(case, face)


def read(case: Case, face: Face) -> Said:
    """The same in one sentence, after others on the face."""
    sentence = reads(case, face)
    yield sentence.model_copy(update={"text": sentence.text.replace(case.where(face), "", 1)})


def looks(case: Case, face: Face) -> Said:
    """Whether a face reads as an emotion that was named."""
    asked, is_read = case.question.emotions, reading(case, face)
    if is_read in asked:
        support = support_of(case, face, is_read)
        yield case.say("looks_yes", face, support, emotion=is_read, sure=sure(case, face))
        if support:
            told = case.say("because", face, support, emotion=is_read, **{"for": cited(support)})
            yield Written(face, (told,), support)
        return
    named = joined(list(asked), "or")
    yield case.say("looks_no", face, emotion=is_read, sure=sure(case, face), asked=named)
    yield from against(case, face, asked[0])


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


def why(case: Case, face: Face) -> Said:
    """What speaks for an emotion: the one that is named, or was spoken of, or that the face reads as."""
    if not case.question.emotions and not case.focus.emotions and case.focus.units:
        yield from grounds(case, face)
        return
    is_read = reading(case, face)
    asked = next(iter(case.question.emotions or case.focus.emotions), is_read)
    support = support_of(case, face, asked)
    measured(case, face, support)
    if asked == "neutral":
        yield case.say("because_rest" if not evidence.seen(face) else "because_whole", face, emotion=asked)
    elif support:
        told = case.say("because", face, support, emotion=asked, **{"for": cited(support, face)})
        yield Written(face, (told,), support)
        if case.focus.intent == "which":
            yield case.say("values", face, support, **{"for": cited(support)}, list=values(face, support))
    else:
        yield case.say("because_whole" if asked == is_read else "neither", face, emotion=asked, rival=asked)
    if asked != is_read:
        yield case.say("but", face, emotion=is_read, asked=asked)


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


def why_not(case: Case, face: Face) -> Said:
    """What speaks against an emotion that was named, and what is seen instead."""
    is_read = reading(case, face)
    rivals = [each for each in case.question.emotions if each != is_read] or list(case.question.emotions)
    said = list(against(case, face, rivals[0]))
    units = evidence.seen(face)[:MOST]
    lacking = tuple(each.au for sentence in said for each in sentence.evidence if each.au and not each.present)
    yield Written(face, tuple(said), support_of(case, face, is_read), lacking)
    if units:
        yield case.say("instead", face, units, list=case.listed(face, units), emotion=is_read)


def against(case: Case, face: Face, rival: Emotion) -> Iterator[Sentence]:
    """What of an emotion's prototype is not there, or that it is there too."""
    fit = next((each for each in case.weighing(face, rival).fits if each.emotion == rival), None)
    lacking = tuple(sorted(code for code in fit.missing if evidence.present(face, code) is False)) if fit else ()
    support = support_of(case, face, rival)
    if lacking:
        yield case.say("against", face, lacking, rival=rival, lacking=cited(lacking, face))
    elif support:
        yield case.say("shared", face, support, rival=rival, **{"for": cited(support)})
    else:
        yield case.say("neither", face, rival=rival)


def missing(case: Case, face: Face) -> Said:
    """What of an emotion's prototype is there, and what is not."""
    asked = next(iter(case.question.emotions), reading(case, face))
    fit = next((each for each in case.weighing(face, asked).fits if each.emotion == asked), None)
    if fit is None:
        yield case.say("reads_rest", face, sure="")
    elif fit.whole:
        yield case.say(
            "complete", face, tuple(sorted(fit.seen)), emotion=asked, **{"for": cited(tuple(sorted(fit.seen)))}
        )
    else:
        lacking = tuple(sorted(fit.missing))
        yield case.say("incomplete", face, lacking, emotion=asked, lacking=cited(lacking, face))


def reads(case: Case, face: Face) -> Sentence:
    """«It reads as happiness (88%): for it speak AU 6 and AU 12.»"""
    is_read = reading(case, face)
    support = support_of(case, face, is_read)
    if is_read == "neutral" and not evidence.seen(face):
        return case.say("reads_rest", face, sure=sure(case, face))
    key = "reads" if support else "reads_whole"
    return case.say(key, face, support, emotion=is_read, sure=sure(case, face), **{"for": cited(support)})


def rather(case: Case, face: Face) -> Said:
    """Another emotion whose whole prototype is measured."""
    is_read = reading(case, face)
    best = case.weighing(face, is_read).best
    if best.emotion != is_read and best.whole and not support_of(case, face, is_read):
        seen = tuple(sorted(best.seen))
        yield case.say("rather", face, seen, rival=best.emotion, **{"for": cited(seen)})


def reading(case: Case, face: Face) -> Emotion:
    """What the model reads; where it failed, what measurement is nearest to."""
    told = case.emotion(face)
    if told is not None:
        return told
    best = case.weighing(face, "neutral").best
    return best.emotion if best.seen - COMMON else "neutral"


def support_of(case: Case, face: Face, of: Emotion) -> tuple[int, ...]:
    """The units seen that are typical of an emotion, by number."""
    return tuple(sorted(supporting(coding.measured(face.action_units, claimed=0.2), of)))


def _strongest(face: Face) -> tuple[int, ...]:
    """The few that the model is let list, in the order it learnt."""
    listed = coding.measured(face.action_units, claimed=0.2).observations
    return tuple(each.au for each in listed if evidence.present(face, each.au))[:LISTED]


def spoken_of(case: Case, face: Face) -> tuple[int, ...]:
    """The units a question means: those it names, or those last spoken of, or the strongest."""
    return case.question.units or case.focus.units or evidence.seen(face)[:1] or (12,)


def measured(case: Case, face: Face, codes: tuple[int, ...] = ()) -> None:
    """Tells what was measured."""
    shown = codes or evidence.seen(face)[:MOST]
    values = ((code, evidence.strength(face.action_units.get(code))) for code in shown)
    told = ", ".join(f"AU {code} {'–' if value is None else f'{value:.2f}'}" for code, value in values)
    case.step("measure", f"face {face.id}: {told or 'no action unit stands out'}")


def unit(code: int) -> dict[str, object]:
    """The number and the name of a unit, as sentences take them."""
    return {"au": code, "name": facs.unit(code).name}


def cited(codes: tuple[int, ...], face: Face | None = None) -> Units:
    """«AU 6 and AU 12 (raised lip corners)»."""
    named = [f"AU {code}" if face is None else f"AU {code} ({gloss(code)})" for code in codes]
    return Units(codes, joined(named))


def values(face: Face, codes: tuple[int, ...]) -> str:
    """«AU 6 at 0.61 and AU 12 at 0.83», of units that were measured."""
    known = ((code, evidence.strength(face.action_units.get(code))) for code in codes)
    return joined([f"AU {code} at {value:.2f}" for code, value in known if value is not None])


def gloss(code: int) -> str:
    """A unit in a few everyday words: «raised cheeks»."""
    return str(wording.table("long")["glosses"][code])


def sure(case: Case, face: Face) -> str:
    """« (88%)», or nothing where the model gives no probability."""
    told = case.explained(face)
    given = told.explanation.probabilities if told and told.explanation else None
    return f" ({given[told.explanation.emotion]:.0%})" if given and told and told.explanation else ""


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
