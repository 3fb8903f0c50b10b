"""Reads action units back out of prose, as a check on whoever wrote it: the engine, a rewriting model, any model.

A claim is an action unit named by number. It is denied where the text says so next to it («no AU 6», «without AU 6»,
«neither AU 6 nor AU 12», «AU 6 is absent»). Strength and side are those told in the same clause.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar, cast

from facevlm import facs
from facevlm.data.cot.coding import Coding
from facevlm.errors import OutputError, quoted
from facevlm.types import EMOTIONS, INTENSITY_VALUES, Emotion, Intensity, Side, Value

_NUMBER = r"(?:[LR]?\d{1,2}[A-E]?)"
_GLOSS = r"(?: \([^()]*\))?"
_ALSO = rf"(?:, (?:and |or )?| and | or | nor |\+)(?:AU ?)?{_NUMBER}\b{_GLOSS}"
_MENTION = re.compile(rf"\bAUs? ?{_NUMBER}{_GLOSS}(?:{_ALSO})*")
_ITEM = re.compile(rf"({_NUMBER})({_GLOSS})")
_DENIED_BEFORE = re.compile(r"\b(?:no|not|without|lack(?:s|ing)?|missing|absent|neither|nor)[: ]+(?:any |an? )?$", re.I)
_DENIED_AFTER = re.compile(r"^,?\s*(?:(?:is|are|was|were)\s+)?(?:absent|missing|lacking|not)\b", re.I)
_CLAUSE = re.compile(r"[.;\n]+")
_GRADE = re.compile(
    r"\b(trace|slight(?:ly)?|marked(?:ly)?|severe(?:ly)?|maximum|maximal(?:ly)?)\b"
    r"|\(([A-E])\)|\b(?:grade|intensity|level|at) ([A-E])\b|\bAUs? ?[LR]?\d{1,2}([A-E])\b",
    re.I,
)
_SIDE = re.compile(r"\b(left|right|both)\b|\bAUs? ?([LR])\d", re.I)
_HEADING = re.compile(
    r"^\W*(?:(?:key|overall|emotional)\s+)*(observation|interpretation|conclusion)s?\b\W*", re.I | re.M
)
_SIDES: dict[str, Side] = {"l": "left", "r": "right", "left": "left", "right": "right", "both": "both"}

Told = TypeVar("Told")


class Claim(Value):
    """An action unit that a text says is there; what it does not say of it, or not clearly, is None."""

    au: int
    intensity: Intensity | None
    side: Side | None


class Parsed(Value):
    """What a text says.

    Args:
        claims: by number, those of the observations; of the whole text where it has no such part.
        cited: the units that the rest of the text rests on.
        denied: the units said to be absent, anywhere.
        emotion: what it concludes, None where it has no conclusion.
    """

    claims: tuple[Claim, ...]
    cited: frozenset[int] = frozenset()
    denied: frozenset[int] = frozenset()
    emotion: Emotion | None = None

    @property
    def named(self) -> frozenset[int]:
        """Every unit said to be there."""
        return self.cited | {claim.au for claim in self.claims}

    @property
    def unobserved(self) -> frozenset[int]:
        """Units that the text rests on without having observed them."""
        return self.cited - {claim.au for claim in self.claims}


def parse(text: str) -> Parsed:
    """What a text of either form, or an answer to a question, says.

    Raises:
        OutputError: it claims one unit twice and differently, concludes with no one emotion, or is broken JSON.
    """
    if text.lstrip().startswith("{"):
        return _of_json(text)
    parts = _parts(text)
    claims, denied = _claims(parts.get("observation", text if not parts else ""))
    cited, absent = _claims(parts.get("interpretation", "") + "\n" + parts.get("conclusion", ""))
    emotion = _emotion(parts["conclusion"]) if "conclusion" in parts else None
    return Parsed(claims=_each_once(claims), cited=_codes(cited), denied=denied | absent, emotion=emotion)


def claims_of(coding: Coding) -> tuple[Claim, ...]:
    """What a text about these units should claim."""
    claims = (
        Claim(au=each.au, intensity=None if each.au in coding.ungraded else each.intensity, side=each.side)
        for each in coding.observations
    )
    return tuple(sorted(claims, key=lambda claim: claim.au))


def _of_json(text: str) -> Parsed:
    try:
        answer: dict[str, Any] = json.loads(text)
        told = answer.get("observations", [])
        claims = [Claim.model_validate({key: each[key] for key in ("au", "intensity", "side")}) for each in told]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise OutputError(f"no answer in JSON: «{quoted(text, 60)}»; write it again") from None
    cited, denied = _claims(answer.get("interpretation", "") + "\n" + answer.get("answer", ""))
    emotion = answer.get("emotion")
    return Parsed(claims=_each_once(claims), cited=_codes(cited), denied=denied, emotion=emotion)


def _parts(text: str) -> dict[str, str]:
    """What stands under each heading, by its word in lower case."""
    found = list(_HEADING.finditer(text))
    ends = [*(match.start() for match in found), len(text)][1:]
    return {match[1].lower(): text[match.end() : end] for match, end in zip(found, ends, strict=True)}


def _emotion(conclusion: str) -> Emotion:
    named = [emotion for emotion in EMOTIONS if re.search(rf"\b{emotion}\b", conclusion, re.I)]
    if len(named) != 1:
        raise OutputError(f"the conclusion names {', '.join(named) or 'no emotion'}; it must name one")
    return named[0]


def _claims(text: str) -> tuple[list[Claim], frozenset[int]]:
    """The claims of a text in its order, and the units it denies."""
    claims: list[Claim] = []
    denied: set[int] = set()
    for clause in _CLAUSE.split(re.sub(r"\baction units?\b", "AU", text, flags=re.I)):
        there: list[tuple[int, str]] = []
        for mention in _MENTION.finditer(clause):
            items = [(int(re.sub(r"\D", "", item[1])), item[2]) for item in _ITEM.finditer(mention[0])]
            if _denied(clause, mention):
                denied.update(code for code, _ in items)
            else:
                there += items
        claims += _graded(there, clause)
    return claims, frozenset(denied)


def _denied(clause: str, mention: re.Match[str]) -> bool:
    before, after = clause[: mention.start()], clause[mention.end() :]
    return bool(_DENIED_BEFORE.search(before) or _DENIED_AFTER.search(after))


def _graded(items: Sequence[tuple[int, str]], clause: str) -> Iterable[Claim]:
    """Claims of units with what stands in brackets behind them; the clause as a whole tells where no bracket does."""
    if any(_grades(gloss) or _sides(gloss) for _, gloss in items):
        for code, gloss in items:
            yield _claim(code, _grades(gloss), _sides(gloss), 0, 1)
    else:
        grades, sides = _grades(clause), _sides(clause)
        for place, (code, _) in enumerate(items):
            yield _claim(code, grades, sides, place, len(items))


def _claim(code: int, grades: Sequence[Intensity], sides: Sequence[Side], place: int, count: int) -> Claim:
    side = _shared(sides, place, count) if sides else "both"
    return Claim(au=code, intensity=_shared(grades, place, count), side=side)


def _grades(text: str) -> list[Intensity]:
    return [_letter(next(filter(None, match.groups()))) for match in _GRADE.finditer(text)]


def _sides(text: str) -> list[Side]:
    return [_SIDES[next(filter(None, match.groups())).lower()] for match in _SIDE.finditer(text)]


def _shared(told: Sequence[Told], place: int, count: int) -> Told | None:
    """What a clause tells of one of its units: the one thing it tells of all, or one thing for each."""
    changes = [each for index, each in enumerate(told) if index == 0 or each != told[index - 1]]
    if len(changes) == 1:
        return changes[0]
    return changes[place] if len(changes) == count else None


def _letter(word: str) -> Intensity:
    """The grade a word or a letter stands for."""
    fitting = (letter for letter in INTENSITY_VALUES if facs.intensity_word(letter)[:4] == word.lower()[:4])
    return next(fitting, cast(Intensity, word.upper()))


def _codes(claims: Iterable[Claim]) -> frozenset[int]:
    return frozenset(claim.au for claim in claims)


def _each_once(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """One claim a unit, by number; a unit told of again may leave its strength and side out."""
    found: dict[int, Claim] = {}
    for claim in claims:
        earlier = found.setdefault(claim.au, claim)
        if claim.intensity not in (None, earlier.intensity) or claim.side not in (None, "both", earlier.side):
            raise OutputError(f"AU {claim.au} is told of twice and differently; tell of it once")
    return tuple(found[code] for code in sorted(found))
