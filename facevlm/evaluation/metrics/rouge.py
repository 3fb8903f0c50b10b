"""ROUGE-L: how much of a reference text is in an answer, word for word and in order."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from facevlm.evaluation.metrics.measure import Measure, aligned, average
from facevlm.evaluation.metrics.sequences import longest_common

_NO_WORD = re.compile(r"[^a-z0-9]+")


def rouge_l(answers: Sequence[str | None], references: Sequence[str | None]) -> Measure:
    """The mean F of the longest common subsequence of words (Lin, Text Summarization Branches Out, 2004), from 0 to 1,
    with the words of Google's rouge-score, which does not stem. No answer has 0; a sample without a reference does not
    count."""
    aligned(answers=answers, references=references)
    pairs = zip(answers, references, strict=True)
    return average([np.nan if true is None else f(told or "", true) for told, true in pairs])


def f(answer: str, reference: str) -> float:
    """ROUGE-L's F of one answer."""
    told, true = _words(answer), _words(reference)
    both = len(told) + len(true)
    return 2 * longest_common(told, true) / both if told and true else 0.0


def _words(text: str) -> list[str]:
    return _NO_WORD.sub(" ", text.lower()).split()
