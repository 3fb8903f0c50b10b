"""What an answer about one face is worth: eight plain functions, each from 0 to 1, of the answer and its target.

After the verifiable rewards of Facial-R1 (arXiv 2511.10254 v1, withdrawn later), without what goes wrong in its
published code:

* Its accuracy falls back to a Levenshtein ratio, so «sadnes» or «anger» for «danger» pays. Here a word is the word or
  it is nothing.
* A face without action units gets no reward for its units, and no claim costs −1 everywhere. Here silence about a face
  at rest is right and pays 1.
* Rewards are multiplied by the rarity of a face's units, scaled from the least to the largest of the file: the
  commonest faces weigh nothing. Here every face weighs the same.
* Units are read out of prose wherever a number stands. Here an answer is the JSON that was asked for, or it earns 0 in
  every reward.

`None` says that a face cannot be scored in a reward at all, whatever the answer: nobody labelled it, or nothing of it
was measured.
"""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import Any, Literal

from facevlm.data import cot
from facevlm.data.cot.coding import Coding
from facevlm.data.cot.weigh import Relation, weigh
from facevlm.errors import OutputError
from facevlm.prompting.schema import EVIDENCE_LENGTH, INTERPRETATION_LENGTH, MOST_OBSERVATIONS
from facevlm.reasoning.check import check
from facevlm.reasoning.parse import parse_face
from facevlm.training.tuning.targets import Target
from facevlm.types import EMOTIONS, Explanation, Observation

Name = Literal["schema", "emotion", "units", "sides", "intensity", "evidence", "order", "length"]
Score = float | None
Reward = Callable[[str, Target], Score]

GRADES = "ABCDE"
FOLLOWS: dict[Relation, float] = {"leads": 1.0, "trails": 0.5, "unsupported": 0.0, "absent": 0.0}


def schema(text: str, target: Target) -> Score:
    """1 where the answer is the JSON asked for: these fields in this order, of this vocabulary, nothing around it."""
    return float(answer(text, target.fields) is not None)


def emotion(text: str, target: Target) -> Score:
    """What a rater would say of the emotion: the share of the votes it has; without votes 1 where it is the label.

    The share is the expected score of an exact match with one rater drawn at random, so nothing pays better than to
    name the emotion most raters see, and the second of a divided vote pays what it is worth. It is not divided by
    the largest share: that would weigh a face the more the less its raters agree.
    """
    if target.votes is None and target.emotion is None:
        return None
    told = answer(text, target.fields)
    if told is None:
        return 0.0
    if target.votes is not None:
        return target.votes.get(told.emotion, 0.0)
    return float(told.emotion == target.emotion)


def units(text: str, target: Target) -> Score:
    """F1 of the action units claimed and those there: 1 where there are none of either, 0 where there are of one.

    A face with more units than an answer has room for cannot reach 1; that holds for all its answers alike.
    """
    return _beside(text, target, lambda told, seen: f1({each.au for each in told}, seen.seen))


def sides(text: str, target: Target) -> Score:
    """Of the units both claimed and there, the share told on the right side; 0 where no unit there is claimed.

    1 where there are none and none is claimed. A side that nobody knows is «both», as FACS reads a code without one.
    """
    return _beside(text, target, lambda told, seen: _agreement(told, seen, lambda one, other: one.side == other.side))


def intensity(text: str, target: Target) -> Score:
    """As `sides`, of the grade: right within one letter, which is what two trained coders differ by."""
    return _beside(text, target, lambda told, seen: _agreement(told, seen, _within_one_grade))


def evidence(text: str, target: Target) -> Score:
    """The share of the claims that the measured action units support, by the rule every analysis is checked by.

    A claim that cannot be measured is not supported, or claims would flee to where nothing is measured. Without claims
    1 where nothing is measured to be there, else 0.
    """
    if not target.measurable:
        return None
    told = answer(text, target.fields)
    if told is None:
        return 0.0
    checks, _, _ = check(told, target.face)
    if not checks:
        return float(not cot.measured(target.face.action_units).observations)
    return statistics.fmean(each.verdict == "supported" for each in checks)


def order(text: str, target: Target) -> Score:
    """How far the conclusion follows from the answer's own observations, by the prototypes: 1, a half or 0.

    1 where they speak for the emotion as well as for any other, or nothing is seen and it is neutral; a half where they
    speak more for another, or are all slight and it is neutral. 0 where they do not speak for it, where the answer
    names the emotion before the observations, and where its interpretation rests on a unit it has not observed or
    reads as another emotion than it concludes with.
    """
    told = answer(text, target.fields)
    if told is None or not _observes_first(target.fields) or not _of_a_piece(text, told):
        return 0.0
    if told.emotion == "neutral":
        return _at_rest(told.observations)
    return FOLLOWS[weigh(Coding(observations=told.observations), told.emotion).relation]


def length(text: str, target: Target) -> Score:
    """1 where the answer keeps to the lengths of the engine's: as many observations at most, each with words for how it
    shows, and an interpretation.
    """
    told = answer(text, target.fields)
    if told is None:
        return 0.0
    few = len(told.observations) <= MOST_OBSERVATIONS["face"]
    brief = all(0 < len(each.evidence) <= EVIDENCE_LENGTH["face"] for each in told.observations)
    said = "interpretation" not in target.fields or 0 < len(told.interpretation) <= INTERPRETATION_LENGTH["face"]
    return float(few and brief and said)


REWARDS: dict[Name, Reward] = {
    "schema": schema,
    "emotion": emotion,
    "units": units,
    "sides": sides,
    "intensity": intensity,
    "evidence": evidence,
    "order": order,
    "length": length,
}


def for_trl(name: Name) -> Callable[..., list[Score]]:
    """A reward as TRL calls it; every row brings its target, as JSON, in the column `target`."""
    reward = REWARDS[name]

    def scores(prompts: Sequence[Any], completions: Sequence[Any], *, target: Sequence[str], **_: Any) -> list[Score]:
        texts = (each if isinstance(each, str) else each[0]["content"] for each in completions)
        return [reward(text, _target(of)) for text, of in zip(texts, target, strict=True)]

    scores.__name__ = name
    return scores


@lru_cache(maxsize=4096)  # the rewards of one answer are asked for one after the other
def answer(text: str, fields: tuple[str, ...]) -> Explanation | None:
    """What an answer says; None where it is not exactly what was asked for."""
    try:
        pairs = json.loads(text, object_pairs_hook=list)  # a list of pairs, so that a field told twice is seen
        return parse_face(text, fields) if [name for name, _ in pairs] == list(fields) else None
    except (ValueError, TypeError, RecursionError, OutputError):
        return None


def f1(claimed: Collection[int], there: Collection[int]) -> float:
    """F1 of two sets: 1 where both are empty."""
    if not claimed and not there:
        return 1.0
    return 2 * len(set(claimed) & set(there)) / (len(claimed) + len(there))


@lru_cache(maxsize=4096)
def _target(json_text: str) -> Target:
    return Target.model_validate_json(json_text)


def _beside(text: str, target: Target, score: Callable[[Sequence[Observation], Coding], float]) -> Score:
    """The claims of an answer scored beside the units that are there."""
    if target.coding is None:
        return None
    told = answer(text, target.fields)
    return 0.0 if told is None else score(told.observations, target.coding)


def _agreement(told: Sequence[Observation], seen: Coding, agree: Callable[[Observation, Observation], bool]) -> float:
    there = {each.au: each for each in seen.observations}
    if not told and not there:
        return 1.0
    common = [agree(each, there[each.au]) for each in told if each.au in there]
    return statistics.fmean(common) if common else 0.0


def _within_one_grade(one: Observation, other: Observation) -> bool:
    return abs(GRADES.index(one.intensity) - GRADES.index(other.intensity)) <= 1


def _observes_first(fields: Sequence[str]) -> bool:
    return "observations" in fields and fields.index("observations") < fields.index("emotion")


def _of_a_piece(text: str, told: Explanation) -> bool:
    """Whether the interpretation rests on what was observed alone, and the first emotion it names is the conclusion."""
    named = re.search("|".join(EMOTIONS), told.interpretation)
    try:
        rests = not cot.parse(text).unobserved
    except OutputError:  # it tells of one unit in two ways
        return False
    return rests and (named is None or named[0] == told.emotion)


def _at_rest(seen: Sequence[Observation]) -> float:
    return 1.0 if not seen else 0.5 if all(each.intensity in "AB" for each in seen) else 0.0
