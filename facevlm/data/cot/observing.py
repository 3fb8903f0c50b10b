"""The long form's first part: what is seen, each action unit with its number, name, strength, side and how it shows.

It depends on the action units alone: where it begins with a prototype, that is the one they meet best.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any, Literal, get_args

from facevlm import facs
from facevlm.data.cot import wording
from facevlm.data.cot.coding import Coding, phrased
from facevlm.data.cot.weigh import fits
from facevlm.types import AU_CODES, Observation

Order = Literal["strength", "region", "prototype", "number"]
STYLES = ("bracket", "number", "colon", "sentence", "amount", "shorthand")
UNGRADED_STYLES = ("bracket", "number", "colon")


def observe(coding: Coding, rng: random.Random) -> str:
    """Sentences on every unit seen and, where that is known, on regions at rest."""
    if not coding.observations:
        return _sentences([rng.choice(_words("nothing")), *_stillness(coding, rng)])
    writer = _Writer(coding, rng)
    groups = _grouped(coding, rng.choice(get_args(Order)), rng)
    said = [lead + "; ".join(writer.clause(each) for each in group) for lead, group in groups]
    return _sentences([*said, *_stillness(coding, rng)])


def regions_at_rest(coding: Coding) -> list[str]:
    """The regions of which every unit is known to be absent."""
    return [name for name, units in _words("regions").items() if set(units) <= coding.absent]


class _Writer:
    """Writes the clauses of one text, which keeps to two ways of putting them."""

    def __init__(self, coding: Coding, rng: random.Random) -> None:
        self._ungraded, self._unsided = coding.ungraded, coding.unsided
        self._styles = rng.sample(STYLES, 2)
        self._lettered = rng.random() < 0.5
        self._both = rng.choice(_words("both"))
        self._one = rng.choice(_words("one"))
        self._rng = rng

    def clause(self, each: Observation) -> str:
        graded = each.au not in self._ungraded
        styles = [style for style in self._styles if graded or style in UNGRADED_STYLES]
        style = self._rng.choice(styles or UNGRADED_STYLES)
        side = self._side(each)
        tail = [self._strength(each)] * graded + [side] * bool(side)
        slots = {
            "au": each.au,
            "name": each.name,
            "evidence": each.evidence,
            "tail": "".join(f", {part}" for part in tail),
            "side": self._beside(side),
            "is": _words("is")[each.intensity],
            "amount": _words("amount")[each.intensity],
            "short": {"both": "", "left": "L", "right": "R"}[each.side] + f"{each.au}{each.intensity}",
        }
        return wording.sentence([_words("clauses")[style]], slots, self._rng)

    def _strength(self, each: Observation) -> str:
        word = facs.intensity_word(each.intensity)
        return f"{word} ({each.intensity})" if self._lettered else word

    def _side(self, each: Observation) -> str:
        if each.side != "both":
            return str(self._one).format(one=each.side)
        return self._both if facs.unit(each.au).sided and each.au not in self._unsided else ""

    @staticmethod
    def _beside(side: str) -> str:
        return f" {side}" if side.startswith("on ") else f", {side}" if side else ""


def _grouped(coding: Coding, order: Order, rng: random.Random) -> list[tuple[str, Sequence[Observation]]]:
    """The observations in an order, those of one sentence together, each sentence with what leads into it."""
    seen, leads = phrased(coding.observations, rng), _words("layout")
    match order:
        case "region":
            return _by_region(seen, rng)
        case "prototype":
            best = fits(coding)[0].seen
            first = [each for each in seen if each.au in best] or seen
            rest = [each for each in seen if each not in first]
            return [("", first), (rng.choice(leads["besides"]), rest)] if rest else [("", first)]
        case "strength" if len(seen) > 1 and seen[0].intensity > seen[1].intensity and not coding.ungraded:
            return [(rng.choice(leads["strongest"]), seen[:1]), *(("", [each]) for each in seen[1:])]
    return [("", [each]) for each in sorted(seen, key=lambda each: each.au)]


def _by_region(seen: Sequence[Observation], rng: random.Random) -> list[tuple[str, Sequence[Observation]]]:
    lead = rng.choice(["", *_words("layout")["region"]])
    found: list[tuple[str, Sequence[Observation]]] = []
    for name, units in rng.sample(sorted(_words("regions").items()), len(_words("regions"))):
        if here := [each for each in seen if each.au in units]:
            found.append((lead.format(region=name), here))
    return found


def _stillness(coding: Coding, rng: random.Random) -> Iterable[str]:
    regions = regions_at_rest(coding)
    if coding.observations and coding.seen | coding.absent == set(AU_CODES) and rng.random() < 0.3:
        yield rng.choice(_words("rest"))
    elif regions and rng.random() < 0.7:
        chosen = rng.sample(regions, rng.randint(1, len(regions)))
        one = len(chosen) == 1 and not chosen[0].endswith("s")
        slots = {
            "regions": wording.joined(chosen),
            "verb": "is" if one else "are",
            "stay": "stays" if one else "stay",
        }
        yield wording.sentence(_words("quiet"), slots, rng)


def _sentences(parts: Iterable[str]) -> str:
    return " ".join(f"{wording.capital(part)}." for part in parts)


def _words(key: str) -> Any:
    return wording.table("long")[key]
