"""How sure a model was of an emotion: probabilities of the eight words at the place where its answer commits to one.

The place is where the value of an `"emotion"` key begins. A token there may be a whole word, a part of one, or carry
the quotation mark before it; tokens are matched to words by characters, so no tokenizer needs to be known.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from pydantic import BaseModel

from facevlm.types import EMOTIONS, Emotion

_KEY = re.compile(r'(?<!\\)"emotion"\s*:\s*"')


class Candidate(BaseModel):
    """A token and its log-probability."""

    token: str
    logprob: float


class Step(Candidate):
    """One generated token, and the likeliest tokens that could have stood there."""

    top_logprobs: list[Candidate] | None = None


def commitments(steps: Sequence[Step], answer: str) -> tuple[dict[Emotion, float] | None, ...]:
    """The eight probabilities at each place where an answer names an emotion, in order.

    Args:
        steps: every token generated, which may include reasoning that the answer does not show.
        answer: the text of the answer.

    Returns:
        One distribution a place, summing to 1; None where the token chosen fits no single emotion (`s` for both
        surprise and sadness).
    """
    written = "".join(step.token for step in steps)
    start = max(written.rfind(answer), 0)
    return tuple(_distribution(steps, match.end()) for match in _KEY.finditer(written, start))


def _distribution(steps: Sequence[Step], place: int) -> dict[Emotion, float] | None:
    """The distribution over emotions at a character position of the joined tokens."""
    begin = 0
    for step in steps:
        if begin <= place < begin + len(step.token):
            return _renormalised(step, step.token[: place - begin])
        begin += len(step.token)
    return None


def _renormalised(step: Step, before: str) -> dict[Emotion, float] | None:
    """The candidates of one step as probabilities of emotions; `before` stands in front of the word."""
    if _emotion(step.token, before) is None:
        return None
    candidates = {candidate.token: candidate.logprob for candidate in (step, *(step.top_logprobs or ()))}
    masses = dict.fromkeys(EMOTIONS, 0.0)
    for token, logprob in candidates.items():
        emotion = _emotion(token, before)
        if emotion is not None:
            masses[emotion] += math.exp(logprob)
    total = sum(masses.values())
    return {emotion: mass / total for emotion, mass in masses.items()} if total > 0 else None


def _emotion(token: str, before: str) -> Emotion | None:
    """The one emotion a token begins, or is the whole of."""
    word = token.removeprefix(before)
    if not token.startswith(before) or not word:
        return None
    fitting = [emotion for emotion in EMOTIONS if emotion.startswith(word) or word.startswith(emotion)]
    return fitting[0] if len(fitting) == 1 else None
