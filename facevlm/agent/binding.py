"""What a small model is bound to while it writes of a face: the units it may name, how it begins, and the sides.

What was measured picks them. The words between are the model's own, and are checked all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase
from typing import Any

from facevlm.agent import evidence
from facevlm.agent.case import Written

# Printable ASCII that JSON need not escape, without digits, full stops and small letters; in brackets without brackets.
_SIGNS, _IN_BRACKETS = r" !#-\-/:-\[\]-`{-~", r" !#-'*-\-/:-\[\]-`{-~"
_SIDES = {"left": "lef", "right": "rig", "both": "bot"}  # as far as words for sides can be told from others
MAX_TOKENS = 120  # of such an answer
_ABSENT = r"(?:no|without|nor|more:|movement:)"


def answer_schema(asked: Written) -> dict[str, Any]:
    """The JSON schema of an answer in one sentence that names these units in this order and no other."""
    answer = {"type": "string", "pattern": f"^{asked.opening}{_body(asked)}[.]$"}
    return {"type": "object", "properties": {"answer": answer}, "required": ["answer"], "additionalProperties": False}


def _body(asked: Written) -> str:
    """Words, the units as a list with what the model says of each in brackets, and words without a new clause."""
    untold = _untold(asked)
    inner, small = _run(_IN_BRACKETS, untold), _run(" :", untold)
    words = _run(_SIGNS, untold)
    if not asked.units and not asked.lacking:
        return words
    lead = rf"(?:{words})? \(?" if asked.opening else rf"(?:{words} \(?)?"
    denied = rf"{words} {_ABSENT} {_listed(asked.lacking, inner)}" if asked.lacking else ""
    seen = f"{lead}{_listed(asked.units, inner)}" if asked.units else ""
    return rf"{seen}{denied}\)?(?:, grade [A-E]| {small}(?: [A-E], {small}| \([A-E]\))?)?"


def _listed(codes: Sequence[int], inner: str) -> str:
    """«AU 6 (…), AU 12 (…) and AU 14 (…)», or «AU 6, 12 and 14»."""
    each = [rf"{code}(?: \({inner}\))?" for code in codes]
    *first, last = each
    listed = ", (?:AU )?".join(first)
    return f"AU {listed} and (?:AU )?{last}" if first else f"AU {last}"


def _untold(asked: Written) -> list[str]:
    """How the words for sides begin that hold for none of the units."""
    sides = {evidence.side(asked.face, code) for code in asked.units}
    return [word for side, word in _SIDES.items() if side not in sides] if sides - {None} else []


def _run(signs: str, untold: Sequence[str]) -> str:
    """Some characters; at their end a letter begins no word."""
    last = "".join(word[0] for word in untold)
    return f"{_character(signs, untold)}+" + (f"[{last}]?" if last else "")


def _character(signs: str, untold: Sequence[str]) -> str:
    """One character; those that begin a word which must not be said come with what follows them."""
    plain = f"[{signs}{_small([word[0] for word in untold])}]"
    begun = "".join(
        f"|{word[0]}(?:[{signs}{_small([word[1]])}]|{word[1]}[{signs}{_small([word[2]])}])" for word in untold
    )
    return f"(?:{plain}{begun})" if untold else plain


def _small(without: Sequence[str]) -> str:
    return "".join(each for each in ascii_lowercase if each not in without)
