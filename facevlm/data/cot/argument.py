"""What an interpretation argues from: the units of a face, its label, and how far the one bears out the other."""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from facevlm import facs
from facevlm.data.cot import wording
from facevlm.data.cot.coding import Coding, Label
from facevlm.data.cot.weigh import Fit, Weighing, weigh


@dataclass(frozen=True)
class Move:
    """One sentence to make: the key of its templates, what fills them, and the group it stands with."""

    key: str
    slots: dict[str, Any]
    group: str


@dataclass(frozen=True)
class Argument:
    """The case for one label, and the chance by which it is worded."""

    coding: Coding
    label: Label
    rng: random.Random

    @cached_property
    def weighing(self) -> Weighing:
        return weigh(self.coding, self.label.emotion)

    @cached_property
    def compound(self) -> facs.Compound | None:
        """The two emotions at once that the label names, or that the units make."""
        labelled = [row for row in facs.compounds() if row.name == self.label.compound]
        if not labelled:
            return self.weighing.compound
        return labelled[0] if self.label.emotion in labelled[0].emotions else None

    @cached_property
    def against(self) -> frozenset[int]:
        """What speaks against the label and is no part of a compound with it."""
        return self.weighing.against - (self.compound.aus if self.compound is not None else frozenset())

    @cached_property
    def faint(self) -> bool:
        """Whether something is seen and all of it is a trace or slight."""
        seen = self.coding.observations
        return bool(seen) and not self.coding.ungraded and all(each.intensity in "AB" for each in seen)

    def move(self, group: str, key: str, **slots: Any) -> Move:
        return Move(key, {"emotion": self.label.emotion} | slots, group)

    def cite(self, codes: Collection[int], *, plain: bool = False) -> wording.Units:
        """Units as text: «AU 6 and 12», «AU 6 (raised cheeks) and AU 12 (raised lip corners)»."""
        ordered = sorted(codes)
        if len(ordered) > 3:
            return wording.Units(codes, f"{self.rng.choice(('AU', 'AUs'))} {wording.joined([str(c) for c in ordered])}")
        glossed = not plain and len(ordered) < 3 and self.rng.random() < 0.5
        if not glossed and self.rng.random() < 0.5:
            return wording.Units(codes, f"AU {wording.joined([str(code) for code in ordered])}")
        return wording.Units(codes, wording.joined([named(code) if glossed else f"AU {code}" for code in ordered]))

    def deny(self, codes: Collection[int]) -> wording.Units:
        """Units as text of their absence: «no AU 6 and no AU 12»."""
        ordered = sorted(codes)
        if len(ordered) == 2 and self.rng.random() < 0.5:
            return wording.Units(codes, f"neither AU {ordered[0]} nor AU {ordered[1]}")
        glossed = self.rng.random() < 0.5
        return wording.Units(
            codes, wording.joined([f"no {named(code) if glossed else f'AU {code}'}" for code in ordered])
        )

    def few(self, codes: Collection[int]) -> list[int]:
        """One or two of them."""
        return sorted(self.rng.sample(sorted(codes), min(len(codes), self.rng.randint(1, 2))))

    def absence(self, codes: Collection[int]) -> dict[str, wording.Units]:
        chosen = self.few(codes)
        return {"without": self.deny(chosen), "lacking": self.cite(chosen, plain=True)}


def balance(case: Argument) -> str:
    """How the evidence stands: the key of the verdict."""
    weighing, coding = case.weighing, case.coding
    if case.label.emotion == "neutral":
        return _neutral_balance(case)
    match weighing.relation:
        case "absent":
            return "no_movement"
        case "unsupported":
            return "unsupported" if _speaks(weighing.best) else "undecided"
        case "trails":
            return "trails" if _speaks(weighing.best) else "close"
    if case.compound is not None and case.compound.aus <= coding.seen:
        return "compound"
    if case.against and coding.strength(weighing.support) <= coding.strength(case.against):
        return "close"
    if case.against or any(fit.whole for fit in weighing.rivals()):
        return "mixed"
    if weighing.fit is not None and weighing.fit.whole:
        return "clear" if len(coding.seen) > 1 else "slender"
    return "tentative"


def _neutral_balance(case: Argument) -> str:
    if not case.coding.observations:
        return "neutral_clear"
    return "neutral_faint" if case.faint else "neutral_mixed"


def _speaks(best: Fit) -> bool:
    """Whether the movements say something by themselves."""
    return best.whole or len(best.seen) > 1


def named(code: int) -> str:
    """«AU 6 (raised cheeks)»."""
    return f"AU {code} ({wording.table('long')['glosses'][code]})"
