"""Questions about a face with answers that hold for it, each with the action units it rests on.

`parse` of an answer gives only units that are seen, and denies only units known to be absent. Questions that no face
answers (who, honest, ill, what is felt) are declined, with what can be told instead.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, Literal

from facevlm import facs
from facevlm.data.cot import wording
from facevlm.data.cot.argument import Argument
from facevlm.data.cot.coding import Coding, Label, phrased
from facevlm.data.cot.moves import AGREED, SPLIT, TENTHS
from facevlm.data.cot.weigh import Weighing, supporting
from facevlm.types import EMOTIONS, Emotion, Observation, Value

LONGEST = 240  # characters, as the schema of face prompts has it
NAMED = 3  # action units that one answer lists
PLAINLY = 0.5  # share of the questions for a unit that do not name it, where there are such

Kind = Literal[
    "seen",
    "why",
    "emotion",
    "presence",
    "strength",
    "side",
    "definition",
    "certainty",
    "missing",
    "declined",
    "compare",
]
Units = tuple[int, ...]


class Pair(Value):
    """A question and its answer. `aus` are the units seen that the answer rests on."""

    kind: Kind
    question: str
    answer: str
    aus: Units = ()


def questions(coding: Coding, label: Label | None, rng: random.Random, count: int) -> tuple[Pair, ...]:
    """Up to `count` different questions on one face, of as many kinds as it allows.

    What needs a label is not asked without one. Yes and no are equally likely where it is asked for a unit.
    """
    case = Argument(coding, label or Label(emotion="neutral"), rng)
    kinds = [kind for kind in _KINDS if label is not None or kind not in _OF_A_LABEL]
    found: dict[str, Pair] = {}
    for _ in range(count):
        for kind in rng.sample(kinds, len(kinds)):
            pair = _KINDS[kind](case)
            if pair is not None and len(found) < count:
                found.setdefault(pair.question, pair)
    return tuple(found.values())


def shown(coding: Coding, most: int = NAMED) -> tuple[str, Units]:
    """The strongest units in one phrase, and which they are."""
    units = coding.observations[:most]
    return wording.joined([_briefly(each, coding) for each in units]), tuple(each.au for each in units)


def _briefly(each: Observation, coding: Coding) -> str:
    text = f"AU {each.au} ({each.name}"
    if each.au not in coding.ungraded:
        text += f", {facs.intensity_word(each.intensity)}"
    return f"{text}, {each.side})" if each.side != "both" else f"{text})"


def _seen(case: Argument) -> Pair:
    text, units = shown(case.coding)
    kind = "none" if not units else "most" if len(case.coding.seen) > NAMED else "some"
    return _pair(case, "seen", kind, units, list=text)


def _presence(case: Argument) -> Pair | None:
    """Asked only where both answers are possible, so that neither is the better guess."""
    coding, rng = case.coding, case.rng
    if not coding.seen or not coding.absent:
        return None
    there = rng.random() < 0.5
    if there:
        return _of_unit(case, "presence", "there", rng.choice(coding.observations))
    unit = facs.unit(rng.choice(sorted(coding.absent)))
    return _pair(case, "presence", "absent", (), au=unit.code, name=unit.name, gloss=_gloss(unit.code))


def _strength(case: Argument) -> Pair | None:
    graded = [each for each in case.coding.observations if each.au not in case.coding.ungraded]
    return _of_unit(case, "strength", "told", case.rng.choice(graded)) if graded else None


def _side(case: Argument) -> Pair | None:
    sided = [each for each in case.coding.observations if facs.unit(each.au).sided]
    known = [each for each in sided if each.au not in case.coding.unsided]
    if not known:
        return None
    each = case.rng.choice(known)
    return _of_unit(case, "side", "both" if each.side == "both" else "one", each)


def _definition(case: Argument) -> Pair:
    unit = facs.unit(case.rng.choice(facs.units()).code)
    evidence, muscles = case.rng.choice(unit.evidence), wording.joined(unit.muscles)
    return _pair(case, "definition", "told", (), au=unit.code, name=unit.name, muscles=muscles, evidence=evidence)


def _of_unit(case: Argument, kind: Kind, answer: str, each: Observation) -> Pair:
    """A pair on one unit that is seen."""
    (each,) = phrased([each], case.rng)
    slots = each.model_dump(include={"au", "name", "side", "evidence"})
    slots |= {"is": wording.table("long")["is"][each.intensity], "word": facs.intensity_word(each.intensity)}
    return _pair(case, kind, answer, (each.au,), **slots, letter=each.intensity, gloss=_gloss(each.au))


def _why(case: Argument) -> Pair:
    """The rival is one that the units speak for, where there is one, or any other."""
    weighing, emotion = case.weighing, case.label.emotion
    rivals = [fit.emotion for fit in weighing.rivals()[:2]] or [each for each in EMOTIONS[1:] if each != emotion]
    rival = case.rng.choice(rivals)
    shared, support = supporting(case.coding, rival), weighing.support
    lacking = _core(case, rival) & case.coding.absent
    slots: dict[str, Any] = {"rival": rival, "for": case.cite(support), "shared": case.cite(shared)}
    if lacking:
        slots |= case.absence(lacking)
    if emotion == "neutral":
        kind = "neutral" if lacking and not case.coding.seen else "unsupported" if shared else "neither"
        return _pair(case, "why", kind, sorted(shared) if kind == "unsupported" else (), **slots)
    if not support:
        kind = "unsupported" if shared else "neither"
        return _pair(case, "why", kind, sorted(shared), **slots)
    if lacking and not _ahead(weighing, rival):
        return _pair(case, "why", "lacks", sorted(support), **slots)
    kind = "only" if not shared else "same" if shared == support else "shared"
    return _pair(case, "why", kind, sorted(support | shared), **slots)


def _emotion(case: Argument) -> Pair:
    support = case.weighing.support
    kind = "supported" if support else "whole" if case.coding.seen or case.label.emotion != "neutral" else "rest"
    return _pair(case, "emotion", kind, sorted(support), **{"for": case.cite(support)})


def _ahead(weighing: Weighing, rival: Emotion) -> bool:
    """Whether the rival is better supported than the label."""
    order = [fit.emotion for fit in weighing.fits]
    return order.index(rival) < order.index(weighing.emotion)


def _core(case: Argument, emotion: Emotion) -> frozenset[int]:
    """What the prototype nearest to this face still wants of an emotion."""
    return next(fit.missing for fit in case.weighing.fits if fit.emotion == emotion)


def _certainty(case: Argument) -> Pair | None:
    if not case.label.distribution:
        return None
    own = case.label.distribution.get(case.label.emotion, 0.0)
    others = {each: share for each, share in case.label.distribution.items() if each != case.label.emotion}
    other = max(others, key=lambda each: others[each], default=None)
    slots = {"share": TENTHS[round(10 * own)], "other": other}
    if other is None or own >= AGREED:
        return _pair(case, "certainty", "agreed", ())
    if others[other] > own:
        return _pair(case, "certainty", "minority", (), **slots)
    slots["other_share"] = TENTHS[round(10 * others[other])]
    return _pair(case, "certainty", "split" if others[other] >= SPLIT else "mostly", (), **slots)


def _missing(case: Argument) -> Pair | None:
    fit = case.weighing.fit
    if fit is None or not fit.seen:
        return None
    if fit.whole:
        return _pair(case, "missing", "whole", sorted(fit.seen), fit=case.cite(fit.seen))
    if not fit.missing or not fit.missing <= case.coding.absent:
        return None
    lacking = {"without": case.deny(fit.missing), "lacking": case.cite(fit.missing, plain=True)}
    return _pair(case, "missing", "lacks", (), **lacking)


def _declined(case: Argument) -> Pair:
    words, rng = wording.table("questions")["declined"], case.rng
    topic = words["topics"][rng.choice(sorted(words["topics"]))]
    text, units = shown(case.coding, 2)
    slots = {"shown": wording.Units(units, text)}
    offer = wording.sentence(words["offer" if units else "offer_rest"], slots, rng)
    question = wording.sentence(topic["ask"], {}, rng)
    return Pair(kind="declined", question=question, answer=f"{rng.choice(topic['why'])} {offer}", aus=units)


def _pair(case: Argument, kind: Kind, answer: str, aus: Sequence[int], **slots: Any) -> Pair:
    words, emotion = wording.table("questions")[kind], case.label.emotion
    filled = {"emotion": emotion, "looks": wording.table("questions")["looks"][emotion]} | slots
    plainly = words.get("plainly", {}).get(slots.get("au"))
    asked = plainly if plainly and case.rng.random() < PLAINLY else words["ask"]
    question = wording.capital(wording.sentence(asked, filled, case.rng))
    said = wording.capital(wording.sentence(words[answer], filled, case.rng))
    return Pair(kind=kind, question=question, answer=said, aus=tuple(aus))


def _gloss(code: int) -> str:
    return str(wording.table("long")["glosses"][code])


_KINDS: dict[Kind, Callable[[Argument], Pair | None]] = {
    "seen": _seen,
    "why": _why,
    "emotion": _emotion,
    "presence": _presence,
    "strength": _strength,
    "side": _side,
    "definition": _definition,
    "certainty": _certainty,
    "missing": _missing,
    "declined": _declined,
}
_OF_A_LABEL = ("why", "emotion", "certainty", "missing")
