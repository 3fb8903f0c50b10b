"""A message taken apart: the questions in it, and what it tells besides."""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST = 4000  # characters of a message that are read

_SIGNS = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\u00a0": " "})
_END = re.compile(r"(?<=[.!?\n])\s+|\n+")
_AND_ASKS = re.compile(r",? and (?=(?:who|whose|what|which|why|how|where|is|are|do|does|has|have)\b)", re.I)
# What asks for the grounds of what was just asked or said.
_HOW = (
    r"(?:how (?:can|do|did|could|would) you (?:know|tell|see|say|judge|decide)"
    r"|what (?:makes|made) you (?:say|think|believe|choose|pick))"
)
_GROUNDS = (
    r"(?:why(?: (?:so|that|that one|do you (?:say|think|believe) (?:so|that)))?|how come|how so"
    rf"|{_HOW}(?: (?:so|that|this|it))?|on what(?: \w+){{0,5}}"
    r"|what (?:gives|gave) (?:it|that|him|her|them) away|what (?:shows|tells you) (?:it|that)"
    r"|what(?:'s| is| are) (?:the|your) (?:evidence|reasons?|grounds)(?: for (?:it|that))?|explain"
    r"|(?:please )?(?:explain|justify|say|tell me|show me) (?:why|it|that|this|yourself|(?:the|your) \w+))"
)
_TRAILING = (
    r"(?:because of what|based on what|on what (?:basis|grounds|evidence)"
    r"|(?:with|and give|giving|and state)(?: me)?(?: \w+)? (?:reasons?|evidence|grounds))"
)
_AND_WHY = re.compile(
    rf"^(?P<asked>.*?\w)(?:(?:[\s,;(&-]+|\s+and\s+|[\s,;(&-]+and\s+)(?P<trailing>{_TRAILING})"
    rf"|(?:\s*[,;(&]\s*| -+ |,? and )(?:and )?(?P<why>{_GROUNDS}))[\s).!?]*$",
    re.I,
)
_WHY_WHO = re.compile(
    rf"^(?:and |please |can you |could you )*(?:{_HOW}|explain(?: to me)?|justify|show(?: me)? why) "
    r"(?P<asked>(?:who|whose|which)\b.*)$",
    re.I,
)
_ASKING = (
    r"(?:who|whom|whose|what|which|why|how|where|when|is|isn't|are|aren't|was|were|do|does|don't|doesn't|did|has|have"
    r"|can|could|would|will|should|might|may|any|am)\b"
)
_COMMAND = (
    r"(?:please |now |so |ok |okay |and |but |then |also |just )*"
    r"(?:tell|describe|explain|compare|find|show|name|list|count|give|point|identify|guess|rate|say|look|zoom|analy[sz]e"
    r"|read|write|ignore|forget|remind|measure|check|estimate|code|label|pretend|reveal|translate|help|act|repeat|let)\b"
)
_TELLING = re.compile(
    r"^(?:by the way,? |btw,? |note that |remember that |remember,? |actually,? |for context,? "
    r"|context: |fyi,? |well,? |no,? |yes,? |but |so )*"
    r"(?:she|he|they|it|this|that|these|those|we|i|my|his|her|their|our|the|a|an|in|at|everyone|both"
    r"|[a-z]+ and [a-z]+)"
    r"(?:'s|'re|'m|'ve)?\b.*?"
    r"(?:\b(?:is|are|was|were|has|had|have|just|got|took|looks|works|came|comes|lost|won|feels?|said|told|told|knows?|likes?"
    r"|lives?|hears?|heard|plays?|played|met|had|will|want|wants|wore|taken|am)\b|'s|'re|'m|'ve)"
)
_AFTER_COMMA = re.compile(rf"^(?P<told>[^,;:]+?)(?:[,;:]| -) (?P<asked>(?:{_ASKING}).*)$", re.I)


class Parts(NamedTuple):
    """`questions` in the order they were asked, as written; `told` are the statements."""

    questions: tuple[str, ...]
    told: tuple[str, ...]


def parts(message: str) -> Parts:
    """The questions and the statements of a message; one that is neither plainly counts as a question."""
    questions: list[str] = []
    told: list[str] = []
    for sentence in filter(None, (each.strip() for each in _END.split(message[:LONGEST]))):
        inner = _AFTER_COMMA.match(sentence)
        if inner and tells(inner["told"]):
            told.append(inner["told"].strip())
            questions.append(inner["asked"])
        elif tells(sentence):
            told.append(sentence)
        else:
            questions.extend(_asked(sentence))
    return Parts(tuple(questions), tuple(told))


def _asked(sentence: str) -> list[str]:
    """Two questions joined by «and», each by itself; one and its grounds («who looks happiest, and why?»)."""
    grounded, reverse = _AND_WHY.match(sentence), _WHY_WHO.match(sentence)
    if grounded and re.match(rf"(?:{_ASKING}|{_COMMAND})", grounded["asked"], re.I):
        return [grounded["asked"], "Why?"]
    if reverse:
        return [reverse["asked"], "Why?"]
    joined = _AND_ASKS.split(sentence)
    return joined if len(joined) > 1 and all(len(each.split()) > 1 for each in joined) else [sentence]


def tells(sentence: str) -> bool:
    """Whether a sentence states something rather than asks or bids."""
    text = normal(sentence, keep_end=True)
    if text.endswith("?") or re.match(_ASKING, text) or re.match(_COMMAND, text):
        return False
    return bool(_TELLING.match(text))


def normal(text: str, *, keep_end: bool = False) -> str:
    """In lower case, with plain quotes, single spaces and no punctuation at its ends."""
    text = " ".join(text.translate(_SIGNS).lower().split()).strip("\"' ")
    return text if keep_end else text.rstrip("?!. \"'").lstrip("-,:; ")
