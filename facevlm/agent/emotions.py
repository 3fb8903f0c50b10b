"""Answers about what a face reads as: which emotion, what speaks for it, and what against another."""

from __future__ import annotations

from collections.abc import Iterator

from facevlm.agent import evidence, units
from facevlm.agent.case import Case, Written
from facevlm.agent.focus import OF_EMOTION
from facevlm.agent.phrases import MOST, Said, cited, measured, values
from facevlm.agent.values import Sentence
from facevlm.agent.wording import joined
from facevlm.data.cot import coding
from facevlm.data.cot.weigh import COMMON, supporting
from facevlm.reasoning.text import percent
from facevlm.types import Emotion, Face

LISTED = 3  # action units listed in one sentence by the model


def describe(case: Case, face: Face) -> Said:
    """What is seen on a face, and what it reads as."""
    part = case.question.part
    seen = tuple(code for code in evidence.seen(face) if not part or code in part)[:MOST]
    measured(case, face)
    if case.question.negated:
        yield _not_seen(case, face)
    elif seen:
        yield Written(face, (case.say("listed", face, seen, list=case.listed(face, seen)),), _strongest(face, part))
    else:
        yield case.say("nothing_there" if part else "nothing", face)
    if not part and not case.question.negated:
        yield from read(case, face)


def _not_seen(case: Case, face: Face) -> Sentence:
    codes = tuple(code for code in face.action_units if evidence.present(face, code) is False)
    return case.say("not_seen", face, codes, list=joined([f"AU {code}" for code in codes]))


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
    if len(asked) > 1:
        yield (
            reads(case, face)
            if is_read in asked
            else case.say("looks_neither", face, emotion=is_read, sure=sure(case, face))
        )
        return
    if case.question.negated:
        key = "looks_still" if is_read in asked else "looks_not"
        yield case.say(key, face, emotion=is_read, sure=sure(case, face), asked=asked[0])
        return
    if is_read in asked:
        support = support_of(case, face, is_read)
        yield case.say("looks_yes", face, support, emotion=is_read, sure=sure(case, face))
        if support:
            told = case.say("because", face, support, emotion=is_read, **{"for": cited(support)})
            yield Written(face, (told,), support)
        return
    yield case.say("looks_no", face, emotion=is_read, sure=sure(case, face), asked=asked[0])
    yield from against(case, face, asked[0])


def why(case: Case, face: Face) -> Said:
    """What speaks for an emotion: the one that is named, or was spoken of, or that the face reads as."""
    unread = case.focus.intent not in OF_EMOTION and not case.focus.emotions
    if not case.question.emotions and unread and case.focus.units:
        yield from units.grounds(case, face)
        return
    is_read = reading(case, face)
    asked = next(iter(case.question.emotions or case.focus.emotions), is_read)
    support = support_of(case, face, asked)
    measured(case, face, support)
    if asked != is_read:
        yield case.say("reads_instead", face, emotion=is_read, asked=asked)
    if asked == "neutral":
        yield _at_rest(case, face, is_read)
    elif support:
        told = case.say("because", face, support, emotion=asked, **{"for": cited(support, face)})
        yield Written(face, (told,), support)
        if case.focus.intent == "which":
            yield case.say("values", face, support, **{"for": cited(support)}, list=values(face, support))
    else:
        yield case.say("because_whole" if asked == is_read else "neither", face, emotion=asked, rival=asked)


def _at_rest(case: Case, face: Face, is_read: Emotion) -> Sentence:
    """How a face that is taken for neutral comes to be."""
    seen = evidence.seen(face)[:MOST]
    if seen and is_read != "neutral":
        return case.say("listed", face, seen, list=case.listed(face, seen))
    return case.say("because_whole" if seen else "because_rest", face, emotion="neutral")


def why_not(case: Case, face: Face) -> Said:
    """What speaks against an emotion that was named, and what is seen instead; else against what the face reads as."""
    is_read = reading(case, face)
    if not case.question.emotions:
        yield from _doubts(case, face, is_read)
        return
    rivals = [each for each in case.question.emotions if each != is_read] or list(case.question.emotions)
    said = list(against(case, face, rivals[0]))
    seen = evidence.seen(face)[:MOST]
    lacking = tuple(each.au for sentence in said for each in sentence.evidence if each.au and not each.present)
    yield Written(face, tuple(said), support_of(case, face, is_read), lacking)
    if seen:
        yield case.say("instead", face, seen, list=case.listed(face, seen), emotion=is_read)


def _doubts(case: Case, face: Face, is_read: Emotion) -> Said:
    """What is seen and typical of other emotions alone, and what of the prototype is not there."""
    weighed = case.weighing(face, is_read)
    others = tuple(sorted(weighed.against))
    missing = weighed.fit.missing if weighed.fit else ()
    lacking = tuple(sorted(code for code in missing if evidence.present(face, code) is False))
    if others:
        yield case.say("speaks_against", face, others, emotion=is_read, **{"for": cited(others, face)})
    if lacking:
        yield case.say("incomplete", face, lacking, emotion=is_read, lacking=cited(lacking, face))
    if not others and not lacking:
        yield case.say("no_doubt", face, emotion=is_read)


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


def sure(case: Case, face: Face) -> str:
    """« (88%)», or nothing where the model gives no probability."""
    told = case.explained(face)
    given = told.explanation.probabilities if told and told.explanation else None
    return f" ({percent(given[told.explanation.emotion])})" if given and told and told.explanation else ""


def _strongest(face: Face, part: tuple[int, ...]) -> tuple[int, ...]:
    """The few, of a part of the face where one is asked for, that the model is let list, in the order it learnt."""
    listed = [each.au for each in coding.measured(face.action_units, claimed=0.2).observations]
    return tuple(code for code in listed if evidence.present(face, code) and (not part or code in part))[:LISTED]
