"""The long form's second part: prototypes weighed against each other, then what the balance is.

A text is made of moves, a sentence each. Those the case calls for are always made, others by chance up to a length;
chance also orders them.
"""

from __future__ import annotations

import random
from typing import Any

from facevlm.data.cot import wording
from facevlm.data.cot.argument import Argument, Move, balance
from facevlm.data.cot.moves import optional, required

WORDS = (60, 130)
ENOUGH = (60, 100)  # a text's own length is drawn from here
LONGEST = 600  # characters, as the schema of scene prompts has it


def interpret(case: Argument) -> str:
    """The weighing as prose: 60 to 130 words, at most 600 characters."""
    rng = case.rng
    last = case.move("verdict", f"verdict.{balance(case)}", best=case.weighing.best.emotion)
    must, may = list(required(case)), list(optional(case))
    rng.shuffle(may)
    told = _within(must, may, last, rng)
    groups = sorted({move.group for move, _ in told[:-1]})
    rng.shuffle(groups)
    body = sorted(told[:-1], key=lambda pair: groups.index(pair[0].group))
    return " ".join(text for _, text in (*body, told[-1]))


def _within(must: list[Move], may: list[Move], last: Move, rng: random.Random) -> list[tuple[Move, str]]:
    """The moves that fit the length, the required ones first, with their sentences; the verdict ends them."""
    used: set[str] = set()
    told: list[tuple[Move, str]] = []
    ending = _told(last, used, rng)
    enough = rng.randint(*ENOUGH)
    for number, move in enumerate((*must, *may)):
        so_far = [text for _, text in told] + [ending]
        if number >= len(must) and len(" ".join(so_far).split()) >= enough:
            break
        if used >= set(_words(move.key)):
            continue
        text = _told(move, used, rng)
        whole = " ".join([*so_far, text])
        if len(whole) <= LONGEST and len(whole.split()) <= WORDS[1]:
            told.append((move, text))
    return [*told, (last, ending)]


def _told(move: Move, used: set[str], rng: random.Random) -> str:
    """The move's sentence, from a template not used in this text before."""
    template = rng.choice([each for each in _words(move.key) if each not in used])
    used.add(template)
    return wording.capital(wording.sentence([template], move.slots, rng))


def _words(key: str) -> Any:
    found = wording.table("long")
    for part in key.split("."):
        found = found[part]
    return found
