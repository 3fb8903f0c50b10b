"""The long form, for large models: observations, interpretation and conclusion as prose under three headings."""

from __future__ import annotations

import random

from facevlm.data.cot import wording
from facevlm.data.cot.argument import Argument, balance
from facevlm.data.cot.coding import Coding, Label
from facevlm.data.cot.interpreting import interpret
from facevlm.data.cot.observing import observe


def write(coding: Coding, label: Label, rng: random.Random) -> str:
    """The three parts, each under its heading: what is seen, how it is weighed, what the expression reads as."""
    case = Argument(coding, label, rng)
    parts = {"Observations": observe(coding, rng), "Interpretation": interpret(case), "Conclusion": conclude(case)}
    return "\n\n".join(f"{heading}: {text}" for heading, text in parts.items())


def conclude(case: Argument) -> str:
    """One sentence that names the emotion and no other, with as much reserve as the evidence asks for."""
    slots = {"emotion": case.label.emotion, "name": case.label.compound}
    return wording.capital(wording.sentence(wording.table("long")["conclusion"][_kind(case)], slots, case.rng))


def _kind(case: Argument) -> str:
    if case.label.compound is not None:
        return "compound"
    match balance(case):
        case "unsupported" | "undecided" | "no_movement":
            return "elsewhere"
        case "mixed" | "close" | "trails" | "neutral_mixed":
            return "doubtful"
    return "neutral" if case.label.emotion == "neutral" else "plain"
