"""Answers on words beside the eight emotions: how well they fit a face, by a matcher, where one is installed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from facevlm.agent.case import Case
from facevlm.agent.emotions import read
from facevlm.agent.phrases import Said
from facevlm.agent.values import Sentence
from facevlm.agent.wording import joined
from facevlm.errors import InputError, PrerequisiteError
from facevlm.types import EMOTIONS, Face

if TYPE_CHECKING:
    from facevlm.agent.album import View
    from facevlm.matching.matcher import Matcher

FITS = 0.5  # from which one label is said to fit by itself


def match(case: Case, face: Face) -> Said:
    """Which of several words fits a face best, or whether one does."""
    asked = case.question.labels
    try:
        fits = likeness(case.picture, face, asked)
    except PrerequisiteError as error:
        yield case.say("no_match", face, reason=str(error).rstrip(".?"))
        return
    except InputError:  # its hints are for those who write labels
        yield case.say("no_measure", face, labels=joined([f"«{each}»" for each in asked], "or"))
        yield from read(case, face)
        return
    ranked = sorted(fits.items(), key=lambda pair: -pair[1])
    told = joined([f"«{label}» {share:.0%}" for label, share in ranked])
    case.step("match", f"face {face.id}: {told}")
    (best, share), *_ = ranked
    key = "fits_best" if len(asked) > 1 else "fits" if share >= FITS else "fits_not"
    yield _resting(case.say(key, face, label=best, list=told), fits)


def likeness(view: View, face: Face, labels: Sequence[str]) -> dict[str, float]:
    """How well labels fit a face, 0–1: their probabilities; of a single one how true it is by itself.

    A single label is compared with the eight emotions where the matcher cannot judge one alone.

    Raises:
        PrerequisiteError: no matcher is installed.
        InputError: a word the matcher does not know.
    """
    from facevlm.matching.matching import Choice

    matcher = loaded()
    alone = len(labels) == 1 and matcher.bias is not None
    beside = [each for each in EMOTIONS if each not in labels] if len(labels) == 1 and not alone else []
    choice = Choice(matcher, [*labels, *beside])
    vectors = matcher.faces([matcher.crop(view.plain, face)])
    (shares,) = choice.alone(vectors) if alone else choice.probabilities(vectors)
    return {label: float(share) for label, share in zip(choice.names, shares, strict=True) if label in labels}


@cache
def loaded() -> Matcher:
    """The matcher that ships, loaded once. Raises PrerequisiteError where it, or open_clip, is not installed."""
    from facevlm.matching.matcher import Matcher

    try:
        return Matcher()
    except InputError as error:
        raise PrerequisiteError(str(error)) from error


def installed() -> bool:
    """Whether there is a matcher to ask."""
    try:
        return loaded() is not None
    except PrerequisiteError:
        return False


def _resting(sentence: Sentence, fits: dict[str, float]) -> Sentence:
    """The sentence with each label as evidence of its own, over the face as a whole."""
    (face,) = sentence.evidence
    told = tuple(
        face.model_copy(update={"name": label, "label": label, "probability": share}) for label, share in fits.items()
    )
    return sentence.model_copy(update={"evidence": told})
