"""The question that two faces of one picture are compared by."""

from __future__ import annotations

import random
from collections.abc import Iterator

from facevlm.data.cot import wording
from facevlm.data.cot.argument import Argument
from facevlm.data.cot.coding import Coding, Label
from facevlm.data.cot.questions import LONGEST, Pair
from facevlm.types import INTENSITY_VALUES

Numbered = tuple[int, Coding, Label | None]


def compare(first: Numbered, second: Numbered, rng: random.Random) -> Pair:
    """What two numbered faces have in common and where they differ; `aus` are units of either.

    That only one of them shows a unit is said where the other is known not to.
    """
    words = wording.table("questions")["compare"]
    question = wording.sentence(words["ask"], {"first": first[0], "second": second[0]}, rng)
    told: list[str] = []
    aus: set[int] = set()
    for key, units, slots in _points(first, second, rng):
        text = wording.sentence(words[key], slots, rng)
        if len("; ".join([*told, text])) < LONGEST:
            told.append(text)
            aus |= units
    return Pair(
        kind="compare", question=question, answer=wording.capital("; ".join(told)) + ".", aus=tuple(sorted(aus))
    )


def _points(
    first: Numbered, second: Numbered, rng: random.Random
) -> Iterator[tuple[str, frozenset[int], dict[str, object]]]:
    """Template, units it names, slots: what is common, what is not, what is stronger, what they read as."""
    cite = Argument(Coding(observations=()), Label(emotion="neutral"), rng).cite
    if common := first[1].seen & second[1].seen:
        yield "both", common, {"units": cite(common, plain=True)}
    if not first[1].seen | second[1].seen:
        yield "nothing", frozenset(), {}
    for (number, one, _), (_, other, _) in ((first, second), (second, first)):
        if only := one.seen & other.absent:
            yield "only", only, {"face": number, "units": cite(only, plain=True)}
        elif not common and one.seen:
            yield "alone", one.seen, {"face": number, "units": cite(one.seen, plain=True)}
    yield from _stronger(first, second, common)
    if first[2] is not None and second[2] is not None:
        key = "same" if first[2].emotion == second[2].emotion else "differ"
        slots: dict[str, object] = {
            "first": first[0],
            "second": second[0],
            "emotion": first[2].emotion,
            "other": second[2].emotion,
        }
        yield key, frozenset(), slots


def _stronger(
    first: Numbered, second: Numbered, common: frozenset[int]
) -> Iterator[tuple[str, frozenset[int], dict[str, object]]]:
    graded = common - first[1].ungraded - second[1].ungraded
    apart = {code: first[1].strength([code]) - second[1].strength([code]) for code in graded}
    widest = max(sorted(apart), key=lambda code: abs(apart[code]), default=None)
    if widest is not None and abs(apart[widest]) >= INTENSITY_VALUES["B"] - INTENSITY_VALUES["A"]:
        face = first[0] if apart[widest] > 0 else second[0]
        yield "stronger", frozenset({widest}), {"au": widest, "face": face}
