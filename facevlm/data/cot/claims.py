"""Whether what words claim of a face is so: its action units, their sides and grades, and what they are typical of.

The words are a model's; what they are held against was measured.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache

from facevlm import facs
from facevlm.data.cot import coding, presence, wording
from facevlm.data.cot.coding import Coding
from facevlm.data.cot.parse import Claim, parse
from facevlm.data.cot.weigh import supporting
from facevlm.errors import OutputError
from facevlm.types import AU_CODES, EMOTIONS, INTENSITY_VALUES, Emotion, Face

_FEELS = re.compile(r"\b(?:feels?|feeling|lies|lying|honest|truly|because (?:she|he|they) (?:is|are|was|were))\b", re.I)
_FACE = re.compile(r"\b(?:face|person|number) (\d+)\b", re.I)
_CLAUSE = re.compile(r"[.;]\s*|,? while |,? and (?=nothing)|, (?=for \w+ (?:there|AU|it)\b)", re.I)
_NO = re.compile(r"\b(?:no|not|without|neither|nor|never|absent|lacks?|missing)\b", re.I)
_BRACKET = re.compile(r"(\d+)(?: is)? \(([^()]+)\)")
_BESIDES = re.compile(
    r"trace|slight|marked|severe|maximum|maximal|[A-E]|(?:grade|at) [A-E]"
    r"|both(?: sides)?|(?:(?:on )?the )?(?:left|right)(?: side)?"
)
_RESTS = re.compile(r"\b(?:nothing|none|no action unit)\b.*\bstands? out\b|\bnear rest\b", re.I)
_NOTHING_OF = re.compile(r"\b(?:none of what is seen|nothing (?:that is )?seen) is typical of\b", re.I)
_EVEN = re.compile(r"\b(?:both sides|symmetric)\b", re.I)
_ALONE = re.compile(r"\b(?:alone|only)\b", re.I)
_YES = re.compile(r"yes\b(?!.*\btypical\b)", re.I)
_FRAME = re.compile(
    r"^yes\b|\bwhich is(?= AU)|\bis there\b|\bshows on both sides\b|\band\b|\bAU \d+(?: \([^()]*\))?|[,:.()]", re.I
)
_MOST = re.compile(r"^(?:the strongest|above all)\b", re.I)


def faults(text: str, face: Face) -> Iterator[str]:
    """What of a sentence about one face is not so, or is no sentence, one short reason after the other."""
    try:
        told = parse(text)
    except OutputError as error:
        yield str(error)
        return
    if len(text.split()) < 2 or not text.rstrip().endswith((".", "!")):
        yield "it is no sentence"
    if _FEELS.search(text):
        yield "it speaks of more than an expression"
    yield from (f"it names face {number}" for number in _FACE.findall(text) if int(number) != face.id)
    yield from (f"AU {code} is not seen" for code in sorted(told.named) if not presence.present(face, code))
    yield from (f"AU {code} is seen" for code in sorted(told.denied) if presence.present(face, code) is not False)
    yield from (fault for claim in told.claims for fault in _overstated(claim, face))
    yield from untrue(text, face)


def garbled(text: str) -> Iterator[str]:
    """What shows that a small model has lost its way: a word it never learnt, brackets that do not close."""
    if any(text.count(left) != text.count(right) for left, right in ("()", "[]", "{}")):
        yield "its brackets do not close"
    if re.search(r"\bAUs?\b(?! ?\d)", text):
        yield "it says AU without a number"
    unknown = [word for word in re.findall(r"[a-z]+", text.lower()) if word not in _vocabulary()]
    yield from (f"«{word}» is no word it learnt" for word in unknown)
    described = _unframed(text)
    codes = parse(text).named
    if _YES.match(text) and described and not any(described in _framed(code) for code in codes):
        yield f"«{described}» is nothing it learnt of {' and '.join(f'AU {code}' for code in sorted(codes))}"


def untrue(text: str, face: Face) -> Iterator[str]:
    """What of the words is not so, one short reason after the other."""
    measured = coding.measured(face.action_units, claimed=0.2)
    if _RESTS.search(text) and presence.seen(face):
        yield "it says that nothing stands out"
    yield from _brackets(text)
    if _MOST.search(text):
        yield from _not_the_strongest(text, face)
    for clause in filter(None, _CLAUSE.split(text)):
        yield from _misplaced(clause, face)
        yield from _repeated(clause)
        yield from _shown(clause, face)
        yield from _typical(clause, measured)


def declined(text: str) -> str:
    """The sentence by which a model that learnt the tables declines to answer; empty where it does not."""
    topics = wording.table("questions")["declined"]["topics"]
    return next((str(why) for topic in topics.values() for why in topic["why"] if why in text), "")


def _overstated(claim: Claim, face: Face) -> Iterator[str]:
    """A grade or a side that is not what was measured."""
    measured = presence.grade(face, claim.au)
    if claim.intensity and measured and claim.intensity != measured:
        yield f"AU {claim.au} is not {facs.intensity_word(claim.intensity)}"
    if claim.side in ("left", "right") and presence.side(face, claim.au) != claim.side:
        yield f"AU {claim.au} is not on the {claim.side}"


def _brackets(text: str) -> Iterator[str]:
    """A bracket behind a number that speaks of another unit."""
    for number, inner in _BRACKET.findall(text):
        told = [each.strip() for each in inner.split(",")]
        foreign = [each for each in told if not _BESIDES.fullmatch(each) and each.lower() not in _said_of(int(number))]
        yield from (f"AU {number} is not «{each}»" for each in foreign)


def _misplaced(clause: str, face: Face) -> Iterator[str]:
    """A side that is named alone, or both, and was measured otherwise."""
    codes = parse(clause).named
    if _EVEN.search(clause):
        yield from (f"AU {code} is not on both sides alike" for code in codes if presence.side(face, code) != "both")
    if _ALONE.search(clause) and re.search(r"\b(?:left|right)\b", clause):
        yield from (
            f"AU {code} is on the other side too" for code in codes if not presence.alone(face.action_units.get(code))
        )


def _repeated(clause: str) -> Iterator[str]:
    numbers = re.findall(r"\d+", clause)
    if len(numbers) != len(set(numbers)):
        yield "it repeats itself"
    for emotion in EMOTIONS:  # two of its wordings run into one
        if len(re.findall(rf"\b{emotion}\b", clause, re.I)) > 1:
            yield f"it says {emotion} twice"


def _shown(clause: str, face: Face) -> Iterator[str]:
    """Phrases of how a unit shows, which must be of one that is named beside them, or there."""
    lower, named = clause.lower(), parse(clause).named | parse(clause).denied
    for phrase, code, side in _phrases():
        place = lower.find(phrase)
        if place < 0 or _NO.search(lower[:place]):
            continue
        if named and code not in named:
            yield f"«{phrase}» is AU {code}"
        elif not presence.present(face, code):
            yield f"AU {code} is not seen"
        elif side and presence.side(face, code) != side:
            yield f"AU {code} is not on the {side}"


def _typical(clause: str, measured: Coding) -> Iterator[str]:
    """What is said to speak for an emotion or against it."""
    emotions = [each for each in EMOTIONS if re.search(rf"\b{each}\b", clause, re.I)]
    told = parse(clause)
    for emotion in emotions if len(emotions) == 1 else ():
        support = supporting(measured, emotion)
        if _NOTHING_OF.search(clause) and support:
            yield f"something is typical of {emotion}"
        yield from (f"AU {code} is not typical of {emotion}" for code in sorted(told.named - support))
        foreign = told.denied - facs.typical(emotion)
        yield from (f"AU {code} is not missing for {emotion}" for code in sorted(foreign))


def ruled_out(text: str, emotion: Emotion) -> bool:
    """Whether every clause that names an emotion speaks against it: nothing of it is seen, or something is absent."""
    clauses = [each for each in _CLAUSE.split(text) if re.search(rf"\b{emotion}\b", each, re.I)]
    return all(_NOTHING_OF.search(each) or (parse(each).denied and not parse(each).named) for each in clauses)


def _not_the_strongest(text: str, face: Face) -> Iterator[str]:
    named = parse(text).named
    weakest = min((presence.grade(face, code) or "A" for code in named), default="A")
    stronger = [
        code for code in presence.seen(face) if code not in named and (presence.grade(face, code) or "A") > weakest
    ]
    yield from (f"AU {code} is stronger" for code in stronger)


@cache
def _vocabulary() -> frozenset[str]:
    """All words of the tables that a small model was taught from."""
    long = wording.table("long")
    units = [unit.model_dump(include={"name", "evidence", "one_sided"}) for unit in facs.units()]
    tables = [wording.table("questions"), long["glosses"], long["is"], units, EMOTIONS]
    graded = {facs.intensity_word(letter) for letter in INTENSITY_VALUES} | {"both", *"abcde"}
    return frozenset(re.findall(r"[a-z]+", json.dumps(tables).lower())) | graded | {"left", "right"}


@cache
def _said_of(code: int) -> frozenset[str]:
    """The names and phrases of a unit, in lower case; none of a number that is no unit here."""
    if code not in AU_CODES:
        return frozenset()
    unit = facs.unit(code)
    sided = (phrase.format(side=side) for phrase in unit.one_sided for side in ("left", "right"))
    return frozenset({unit.name, str(wording.table("long")["glosses"][code]), *unit.evidence, *sided})


@cache
def _framed(code: int) -> frozenset[str]:
    """The same as they are left of an answer."""
    return frozenset(_unframed(phrase) for phrase in _said_of(code))


def _unframed(text: str) -> str:
    """What an answer says besides «Yes», numbers and how it is put together."""
    return " ".join(_FRAME.sub(" ", text).split()).lower()


@cache
def _phrases() -> tuple[tuple[str, int, str], ...]:
    """Phrases of how a unit shows, with the unit and the side they name, if any."""
    whole = [(phrase, unit.code, "") for unit in facs.units() for phrase in unit.evidence]
    sided = [
        (phrase.format(side=side), unit.code, side)
        for unit in facs.units()
        for phrase in unit.one_sided
        for side in ("left", "right")
    ]
    return tuple(whole + sided)
