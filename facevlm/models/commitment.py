"""How sure a model was of an emotion: probabilities of the eight words at the place where its answer commits to one.

A model that is asked about scenes commits where the value of an `"emotion"` key begins. A token there may be a whole
word, a part of one, or carry the quotation mark before it; tokens are matched to words by characters, so no tokenizer
needs to be known. A model that is asked about single faces has a token for each word, and commits where it first
writes one: what it says of the emotion later only repeats itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import NotRequired

from typing_extensions import TypedDict

from facevlm.types import EMOTIONS, Emotion

_KEY = re.compile(r'(?<!\\)"emotion"\s*:\s*"')

Match = Callable[[str], Emotion | None]


class Candidate(TypedDict):
    """A token and its log-probability."""

    token: str
    logprob: float


class Step(Candidate):
    """One generated token, and the likeliest tokens that could have stood there."""

    top_logprobs: NotRequired[list[Candidate] | None]


def commitments(steps: Sequence[Step], answer: str) -> tuple[dict[Emotion, float] | None, ...]:
    """The eight probabilities at each place where an answer about a scene names an emotion, in order.

    Args:
        steps: every token generated, which may include reasoning that the answer does not show.
        answer: the text of the answer.

    Returns:
        One distribution a place, summing to 1; None where the token chosen fits no single emotion (`s` for both
        surprise and sadness).
    """
    tokens = [step["token"] for step in steps]
    written = "".join(tokens)
    start = max(written.rfind(answer), 0)
    return tuple(_distribution(steps, tokens, match.end()) for match in _KEY.finditer(written, start))


def first_named(steps: Sequence[Step], answer: str, temperature: float = 1.0) -> dict[Emotion, float] | None:
    """The eight probabilities where an answer about a face first names an emotion, as one token; None if it never does.

    Args:
        steps, answer: as for `commitments`.
        temperature: what the log-probabilities are divided by.
    """
    tokens = [step["token"] for step in steps]
    start, begin = max("".join(tokens).rfind(answer), 0), 0
    for step, token in zip(steps, tokens, strict=True):
        if begin >= start and token in EMOTIONS:
            return _renormalised(step, _exactly, temperature)
        begin += len(token)
    return None


def _distribution(steps: Sequence[Step], tokens: Sequence[str], place: int) -> dict[Emotion, float] | None:
    """The distribution over emotions at a character position of the joined tokens."""
    begin = 0
    for step, token in zip(steps, tokens, strict=True):
        if begin <= place < begin + len(token):
            before = token[: place - begin]
            return _renormalised(step, partial(_emotion, before=before))
        begin += len(token)
    return None


def _renormalised(step: Step, match: Match, temperature: float = 1.0) -> dict[Emotion, float] | None:
    """The candidates of one step as probabilities of emotions."""
    if match(step["token"]) is None:
        return None
    others = step.get("top_logprobs") or ()
    candidates = {candidate["token"]: candidate["logprob"] for candidate in (step, *others)}
    masses = dict.fromkeys(EMOTIONS, 0.0)
    for token, logprob in candidates.items():
        emotion = match(token)
        if emotion is not None:
            masses[emotion] += math.exp(logprob / temperature)
    total = sum(masses.values())
    return {emotion: mass / total for emotion, mass in masses.items()} if total > 0 else None


def _exactly(token: str) -> Emotion | None:
    return next((emotion for emotion in EMOTIONS if emotion == token), None)


def _emotion(token: str, before: str) -> Emotion | None:
    """The one emotion a token begins, or is the whole of; `before` stands in front of the word."""
    word = token.removeprefix(before)
    if not token.startswith(before) or not word:
        return None
    fitting = [emotion for emotion in EMOTIONS if emotion.startswith(word) or word.startswith(emotion)]
    return fitting[0] if len(fitting) == 1 else None
