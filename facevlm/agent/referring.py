"""Which faces words point to: by number, by place, by size, the others, all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from facevlm.types import Face

_PERSON = (
    r"(?:persons?|people|faces?|one|ones|man|men|woman|women|guy|guys|girl|girls|boy|boys|lady|ladies|child|kid|figure"
    r"|head|individual|number|them|who|friend|brother|sister|mother|father|neighbour)"
)
_WORDS = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
]
_ORDINALS = {word: place for place, word in enumerate(_WORDS, 1)} | {"1st": 1, "2nd": 2, "3rd": 3, "4th": 4}
_ORDINAL = "|".join(_ORDINALS)
_NUMBERS = re.compile(
    rf"(?:#\s?|\b(?:{_PERSON}|numbers?|no\.?|nr\.?)\s?(?:numbers? |no\.? |#\s?)?)(\d+)"
    rf"((?:\s*(?:,|and|or|with|to|vs\.?|versus|than|&)\s*"
    rf"(?:(?:face|person|number|no\.?|#)\s?)?\d+)*)"
)
_BARE = re.compile(r"\b(\d+)\s*(?:and|or|vs\.?|versus|with|,)\s*(\d+)\b(?!\s*(?:%|percent))")
_NTH = re.compile(rf"\b({_ORDINAL}) {_PERSON}\b(?! from)")
_NTH_FROM = re.compile(rf"\b({_ORDINAL})(?: {_PERSON})? (?:from|on) the (left|right)\b")
_EDGE = re.compile(
    rf"\b(left|right)-?most\b|\b(?:furthest|farthest|far|all the way|most) (?:to |on |at )?(?:the )?(left|right)\b"
    rf"|\b{_PERSON}(?:'s)? (?:\w+ ){{0,2}}?(?:is |are |stands? |sits? )?(?:on|to|at) the (?:far )?(left|right)\b"
    rf"|\b(left|right)(?:-?hand)? {_PERSON}\b"
)
_BARE_EDGE = re.compile(r"\b(?:on|to|at) the (?:far |very )?(left|right)\b")
_MIDDLE = re.compile(rf"\b(?:in the (?:middle|cent(?:re|er))|(?:middle|central|cent(?:re|er)) {_PERSON})\b")
_SIZE = re.compile(
    r"\b(largest|biggest|larger|bigger|closest|nearest|foremost|smallest|smaller|tiniest|farthest away|furthest away)\b"
)
_EVERY = re.compile(
    r"\b(?:everyone|everybody|each|all (?:of )?(?:them|faces|people|persons|the)|all|both|any of them"
    r"|anyone|anybody|they|them"
    r"|the (?:two|three|four|five|faces|people)(?! the)|two (?:faces|men|women|people)|group|crowd)\b"
)
_OTHER = re.compile(
    r"\b(?:the )?others?\b(?! (?:sides?|half|cheek|brow|eyebrow|eye|corner|reading|emotion|word|possibilit|unit|au)s?)"
    r"|\banother (?:one|face|person)\b|\b(?:who|anyone|anybody|someone|somebody|which (?:face|one|person)) else\b"
)
_GENDERED = re.compile(r"\b(?:man|woman|men|women|guys?|girls?|boys?|lady|ladies|gentlem[ae]n)\b")
_NUMBER_ALONE = re.compile(r"^(?:and |so |then |what about |how about )+(\d+)$")
_SMALL = ("smallest", "smaller", "tiniest", "farthest away", "furthest away")


class Reference(NamedTuple):
    """Faces pointed to. `places` are «left 1» (first from the left), «right 2», «middle», «large», «small».

    `gendered`: a word that names a sex is all that points to them.
    """

    numbers: tuple[int, ...] = ()
    places: tuple[str, ...] = ()
    every: bool = False
    other: bool = False
    gendered: bool = False


def refer(text: str, *, spoken_of: bool = False) -> Reference:
    """What a question in lower case points to.

    `spoken_of`: it names a movement, so that «on the left» without a person is a side of the face.
    """
    numbers, places = tuple(dict.fromkeys(_numbers(text))), tuple(dict.fromkeys(_places(text, spoken_of)))
    other = bool(_OTHER.search(text)) and not re.search(r"\bthan the other\b", text)
    return Reference(
        numbers=numbers,
        places=places,
        every=bool(_EVERY.search(text)),
        other=other,
        gendered=bool(_GENDERED.search(text)) and not (numbers or places or other),
    )


def resolve(pointed: Reference, faces: Sequence[Face]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The numbers of the faces pointed to that are there, and what was pointed to and is not, in words."""
    there = {face.id for face in faces}
    found = [number for number in pointed.numbers if number in there]
    missing = [f"face {number}" for number in pointed.numbers if number not in there]
    for place in pointed.places:
        number = _at(place, faces)
        (found if number else missing).append(number or _placed(place))  # type: ignore[arg-type]
    return tuple(dict.fromkeys(found)), tuple(missing)


def _numbers(text: str) -> Iterator[int]:
    rest = re.sub(r"\b(?:aus?|action units?)\s*\d+[a-e]?(?:\s*(?:,|and|or)\s*(?:au\s*)?\d+)*", " ", text)
    for match in _NUMBERS.finditer(rest):
        yield from (int(number) for number in re.findall(r"\d+", match[0]))
    for match in _BARE.finditer(rest):
        yield from (int(match[1]), int(match[2]))
    yield from (_ORDINALS[match[1]] for match in _NTH.finditer(rest))
    yield from (int(match[1]) for match in _NUMBER_ALONE.finditer(rest))


def _places(text: str, spoken_of: bool) -> Iterator[str]:
    for match in _NTH_FROM.finditer(text):
        yield f"{match[2]} {_ORDINALS[match[1]]}"
    text = _NTH_FROM.sub(" ", text)
    edges = list(_EDGE.finditer(text)) or ([] if spoken_of else list(_BARE_EDGE.finditer(text)))
    yield from (f"{next(filter(None, match.groups()))} 1" for match in edges)
    if _MIDDLE.search(text):
        yield "middle"
    for match in _SIZE.finditer(text):
        if not re.match(r" to the (?:left|right)", text[match.end() :]):
            yield "small" if match[1] in _SMALL else "large"


def _placed(place: str) -> str:
    """«third face from the left»."""
    kind, _, rank = place.partition(" ")
    return f"{_WORDS[int(rank) - 1]} face from the {kind}" if rank else place


def _at(place: str, faces: Sequence[Face]) -> int | None:
    """The number of the face at a place; None where there is none."""
    kind, _, rank = place.partition(" ")
    across = sorted(faces, key=lambda face: face.box.centre[0], reverse=kind == "right")
    by_area = sorted(faces, key=lambda face: -face.box.area)
    if not faces:
        return None
    if kind in ("left", "right"):
        return across[int(rank) - 1].id if int(rank) <= len(across) else None
    if kind == "middle":
        return across[len(across) // 2].id
    return by_area[0 if kind == "large" else -1].id
