"""The chain-of-thought engine: action units and a label become observations, what they mean together, a conclusion.

`measured` or `labelled` brings action units to a Coding; `short` and `long` write of it, `questions` and `compare` ask
about it; `parse` reads any such text back, and `rewrite` lets another model say it better if it still says the same.
"""

from facevlm.data.cot import long, short
from facevlm.data.cot.coding import Coding, Label, labelled, measured
from facevlm.data.cot.compare import compare
from facevlm.data.cot.parse import Claim, Parsed, claims_of, parse
from facevlm.data.cot.questions import Pair, questions
from facevlm.data.cot.rewrite import Rewrite, rewrite

__all__ = [
    "Claim",
    "Coding",
    "Label",
    "Pair",
    "Parsed",
    "Rewrite",
    "claims_of",
    "compare",
    "labelled",
    "long",
    "measured",
    "parse",
    "questions",
    "rewrite",
    "short",
]
