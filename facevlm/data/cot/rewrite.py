"""Another model's wording of a long text, taken only where it says the same."""

from __future__ import annotations

import re
from collections.abc import Callable

from facevlm.data.cot.parse import Parsed, parse
from facevlm.errors import OutputError
from facevlm.types import Value

MORE = 100  # words that a rewrite may add

_FEELS = re.compile(
    r"\bfeel(?:s|ings?)?\b|\b(?:is|seems|looks|appears) (?:\w+ )?(?:happy|sad|angry|afraid|scared)\b", re.I
)

REQUEST = """Reword the analysis of a face below, so that it reads as if a FACS coder had written it by hand.

- Keep the three headings «Observations:», «Interpretation:» and «Conclusion:», and what belongs under each.
- Name the same action units by number, each with the same strength, side and name, in a sentence of its own. Add none.
- Where an action unit is said to be absent, write «no AU 6» or leave it out.
- Keep the emotion of the conclusion, and name no other there.
- Speak of the expression. Never say what the person feels, who it is, or anything of origin, age, health or character.
- Answer with the new text alone.

"""


class Rewrite(Value):
    """A text to use: the new wording, or the old one and why the new one was refused."""

    text: str
    refused: str | None = None


def rewrite(text: str, ask: Callable[[str], str]) -> Rewrite:
    """The text in the words of a model, or as it was.

    Args:
        text: a long text.
        ask: hands a request to a model and returns its answer; what it raises is not caught.
    """
    answer = ask(REQUEST + text).strip()
    refused = changed(text, answer)
    return Rewrite(text=answer if refused is None else text, refused=refused)


def changed(text: str, answer: str) -> str | None:
    """What an answer changes that it must not, in a few words; None where it says the same."""
    try:
        before, after = parse(text), parse(answer)
    except OutputError:
        return "unreadable"
    if len(answer.split()) > len(text.split()) + MORE:
        return "too long"
    return "speaks of feelings" if _FEELS.search(answer) else _difference(before, after)


def _difference(before: Parsed, after: Parsed) -> str | None:
    if {claim.au for claim in before.claims} != {claim.au for claim in after.claims}:
        return "other action units"
    if [claim.intensity for claim in before.claims] != [claim.intensity for claim in after.claims]:
        return "other strengths"
    if [claim.side for claim in before.claims] != [claim.side for claim in after.claims]:
        return "other sides"
    if after.unobserved or not after.denied <= before.denied:
        return "action units not observed"
    return "another emotion" if before.emotion != after.emotion else None
