"""The short form, for small models: the compact JSON answer to a face prompt.

The observations depend on the action units alone. The interpretation first says what they look like together, then
commits to an emotion, then says how the observations bear on it: so nothing before that word gives the label away, and
the probability of an emotion is the probability of that word.
"""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from facevlm import facs
from facevlm.data.cot import coding, wording
from facevlm.data.cot.coding import Coding
from facevlm.data.cot.weigh import Weighing, typical_of, weigh
from facevlm.types import ActionUnit, Emotion, Observation

MOST = 6  # observations; a small model need not tell everything
PICTURE_LENGTH = 80  # characters, so that what follows fits the length a face prompt allows


def observe(
    units: Mapping[int, ActionUnit], rng: random.Random, claimed: float = coding.CLAIMED
) -> tuple[Observation, ...]:
    """What stands out of measured action units, the strongest first, in words; nothing below `claimed`."""
    return coding.phrased(coding.measured(units, claimed).observations[:MOST], rng)


def interpret(observations: Sequence[Observation], emotion: Emotion, rng: random.Random) -> str:
    """What the observations look like together, the emotion, and how they bear on it."""
    return f"{picture(observations, rng)}: {emotion}, {bearing(observations, emotion, rng)}."


def write(observations: Sequence[Observation], interpretation: str, emotion: Emotion, answer: Sequence[str]) -> str:
    """The answer as the compact JSON the model writes, with the fields of a prompt's `answer` in their order."""
    fields: dict[str, Any] = {
        "observations": [each.model_dump(include={"au", "intensity", "side", "evidence"}) for each in observations],
        "interpretation": interpretation,
        "emotion": emotion,
    }
    return json.dumps({name: fields[name] for name in answer}, separators=(",", ":"), ensure_ascii=False)


def picture(observations: Sequence[Observation], rng: random.Random) -> str:
    """The observations together, in words that name no emotion."""
    said: list[str] = []
    for pattern in _matching(observations):
        choice = rng.choice(pattern["says"])
        if len(" and ".join([*said, choice])) <= PICTURE_LENGTH:
            said.append(choice)
    return wording.joined(said[:3]) if said else rng.choice(wording.table("short")["nothing"])


def _matching(observations: Sequence[Observation]) -> list[dict[str, Any]]:
    """The patterns that together cover what is seen, those of the strongest units first."""
    left = {each.au: each.side for each in observations}
    found = []
    for pattern in wording.table("short")["patterns"]:
        sides = [left.get(code) for code in pattern["aus"]]
        if None not in sides and all((side != "both") == pattern.get("one_sided", False) for side in sides):
            left = {code: side for code, side in left.items() if code not in pattern["aus"]}
            found.append(pattern)
    order = [each.au for each in observations]
    return sorted(found, key=lambda pattern: min(order.index(code) for code in pattern["aus"]))


def bearing(observations: Sequence[Observation], emotion: Emotion, rng: random.Random) -> str:
    """How the observations bear on an emotion."""
    seen = Coding(observations=tuple(observations))
    if emotion == "neutral":
        return _neutral(seen, rng)
    weighing = weigh(seen, emotion)
    against, partner = weighing.against, weighing.compound
    slots: dict[str, Any] = {
        "support": _list(weighing.support),
        "against": _list(against),
        "idle": _list(weighing.idle),
    }
    if partner is not None:
        (slots["other"],) = (each for each in partner.emotions if each != emotion)
        slots["rest"] = _list(partner.aus - weighing.support)
    elif against:
        slots["other"] = typical_of(against, seen, emotion)
    return wording.sentence(wording.table("short")["bearing"][bearing_kind(seen, weighing)], slots, rng)


def bearing_kind(seen: Coding, weighing: Weighing) -> str:
    """Which of the wordings of `bearing` in short.yaml fits an emotion other than neutral."""
    if not weighing.support:
        return "unsupported" if weighing.against else "idle" if weighing.idle else "absent"
    if weighing.compound is not None and weighing.compound.aus - weighing.support:
        return "compound"
    if weighing.against:
        return "mixed_for" if seen.strength(weighing.support) > seen.strength(weighing.against) else "mixed_against"
    if all(row.one_sided for row in facs.prototypes(weighing.emotion)):
        return "one_sided"
    return "whole" if weighing.fit is not None and weighing.fit.whole else "part"


def _neutral(seen: Coding, rng: random.Random) -> str:
    faint = all(each.intensity in "AB" for each in seen.observations)
    kind = "rest" if not seen.observations else "faint" if faint else "plain"
    return wording.sentence(wording.table("short")["neutral"][kind], {"seen": _list(seen.seen)}, rng)


def _list(codes: Collection[int]) -> wording.Units:
    return wording.Units(codes, "AU " + ", ".join(map(str, sorted(codes))))
