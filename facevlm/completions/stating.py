"""What may be said of one face where a small model answers: its words where they hold, or what was measured.

A model that is asked by face is small enough to misread a question and to claim what the explanation below it denies.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from facevlm import facs
from facevlm.data.cot import claims, coding, presence, wording
from facevlm.data.cot.weigh import supporting
from facevlm.faces.action_units import THRESHOLDS
from facevlm.types import AU_CODES, EMOTIONS, ActionUnit, Emotion, Face

MOST = 5  # action units that are listed
_NUMBERED = re.compile(r"\b(?:aus?|action units?) ?\d{1,3}(?:(?:, ?(?:and |or )?| and | or |\+)(?:aus? ?)?\d{1,3})*\b")


def settled(question: str, face: Face) -> str | None:
    """The answer to a question that needs no model: whether action units are there, or what they are; else None."""
    text = " ".join(question.lower().split()).rstrip("?!. ")
    codes = _codes(text)
    if not codes:
        return None
    if re.search(_table()["defines"], text):
        return " ".join(_defined(code) for code in codes)
    return " ".join(_whether(code, face) for code in codes) if _asks_presence(text, codes) else None


def held(words: str, question: str, face: Face) -> str:
    """A model's answer where nothing of it is refuted by the measurement, else what was measured in its place.

    That it declines to answer stands; what it says beside that is checked all the same.
    """
    declined = claims.declined(words)
    rest = words.replace(declined, "").strip()
    if (declined and not rest) or not any(chain(claims.faults(rest, face), claims.garbled(rest))):
        return words
    return " ".join(filter(None, (declined, measured(question, face))))


def measured(question: str, face: Face) -> str:
    """What was measured of the action units or emotions that a question names; of the face, where it names none."""
    text = question.lower()
    if codes := _codes(text):
        return " ".join(_said(code, face, "measures", "measures") for code in codes)
    named = [each for each in EMOTIONS if re.search(rf"\b(?:{each}|{_looks()[each]})\b", text)]
    return " ".join(_spoken_for(emotion, face) for emotion in named) or _seen(face)


def _spoken_for(emotion: Emotion, face: Face) -> str:
    """What of the action units that are seen is typical of an emotion."""
    support = supporting(coding.measured(face.action_units, claimed=0.2), emotion)
    typical = [code for code in presence.seen(face) if code in support]
    if typical:
        return _sentence("speaks", emotion=emotion, list=_listed(typical, face))
    return " ".join((_sentence("neither", emotion=emotion), _seen(face))) if presence.seen(face) else _sentence("rest")


def _seen(face: Face) -> str:
    seen = presence.seen(face)[:MOST]
    return _sentence("seen", list=_listed(seen, face)) if seen else _sentence("rest")


def _codes(text: str) -> tuple[int, ...]:
    """The numbers of action units in a text, each once."""
    mentions = (re.findall(r"\d+", match[0]) for match in _NUMBERED.finditer(text))
    return tuple(dict.fromkeys(int(number) for numbers in mentions for number in numbers))


def _asks_presence(text: str, codes: Sequence[int]) -> bool:
    """Whether nothing is asked but whether they are there: no side, no strength, no reason, no «not»."""
    rules = _table()["presence"]
    if not re.match(rules["begins"], text):
        return False
    rest = re.sub(r"\bface \d+\b", " ", _NUMBERED.sub(" ", text))
    own = chain.from_iterable(_own_words(code) for code in codes if code in AU_CODES)
    return set(re.findall(r"[\w']+", rest)) <= {*rules["words"], *own}


def _own_words(code: int) -> Iterator[str]:
    """The words of a unit's names, as a question may add them to its number."""
    for name in (facs.unit(code).name, wording.table("long")["glosses"][code]):
        yield from re.findall(r"\w+", name.lower())


def _whether(code: int, face: Face) -> str:
    return _said(code, face, "there", "absent")


def _said(code: int, face: Face, there: str, absent: str) -> str:
    """A sentence on one unit of a face, by the key for one that is there or is not."""
    if code not in AU_CODES:
        return _unknown(code)
    unit = facs.unit(code)
    if presence.present(face, code) is None:
        return _sentence("unmeasured", au=code, name=unit.name)
    strength, side = _figure(face.action_units[code])
    letter = facs.grade(strength)
    slots = {"word": f", {facs.intensity_word(letter)}" if letter else "", "evidence": unit.evidence[0]}
    value = f"{strength:.2f}{side}"
    slots |= {"value": value, "sides": _sides(code, face) or value, "threshold": f"{THRESHOLDS[code]:.2g}"}
    return _sentence(there if presence.present(face, code) else absent, au=code, name=unit.name, **slots)


def _figure(unit: ActionUnit) -> tuple[float, str]:
    """How strong a measured unit is: on the face, as its explanation tells it, or on the one side where it is seen."""
    strength, least = presence.strength(unit) or 0.0, THRESHOLDS[unit.code]
    sides = [each for each in (unit.left, unit.right) if each is not None]
    alone = min(sides, default=least) < least <= max(sides, default=0.0)
    if unit.value is not None and not alone:
        return unit.value, ""
    return strength, " on the left" if unit.left == strength else " on the right"


def _sides(code: int, face: Face) -> str:
    """What was measured on each side; empty where the sides are alike, or were not measured apart."""
    unit = face.action_units[code]
    if presence.side(face, code) not in ("left", "right"):
        return ""
    return f"{unit.left:.2f} on the left and {unit.right:.2f} on the right"


def _defined(code: int) -> str:
    if code not in AU_CODES:
        return _unknown(code)
    unit = facs.unit(code)
    muscles = wording.joined(unit.muscles)
    return _sentence("definition", au=code, name=unit.name, muscles=muscles, evidence=unit.evidence[0])


def _unknown(code: int) -> str:
    return _sentence("unknown", au=code, known=wording.joined([str(each) for each in AU_CODES]))


def _listed(codes: Sequence[int], face: Face) -> wording.Units:
    """«AU 12 (lip corner puller, 0.75) and AU 25 (lips part, 0.30 on the left)»."""
    figures = ((code, *_figure(face.action_units[code])) for code in codes)
    told = [f"AU {code} ({facs.unit(code).name}, {strength:.2f}{side})" for code, strength, side in figures]
    return wording.Units(codes, wording.joined(told))


def _sentence(key: str, **slots: Any) -> str:
    return wording.sentence([_table()[key]], slots, random.Random(0))


def _looks() -> dict[Emotion, str]:
    looks: dict[Emotion, str] = wording.table("questions")["looks"]
    return looks


@cache
def _table() -> Any:
    return yaml.safe_load((Path(__file__).parent / "sentences.yaml").read_text(encoding="utf-8"))
