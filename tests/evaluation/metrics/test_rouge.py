"""ROUGE-L and REGE: Google's rouge-score, Lin's example, and by hand."""

from __future__ import annotations

import random

import numpy as np
import pytest

from facevlm.errors import InputError
from facevlm.evaluation import intervals
from facevlm.evaluation.metrics import agreement, emotion, rege, rouge
from facevlm.evaluation.metrics.sequences import longest_common

WORDS = ["The", "lips'", "corners", "are", "drawn", "up;", "brow", "(AU", "4)", "isn't", "lowered,", "—", "café"]


def texts(seed: int, count: int = 200) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, k=rng.randint(0, 150))) for _ in range(count)]


def test_it_is_that_of_rouge_score() -> None:
    theirs = pytest.importorskip("rouge_score.rouge_scorer", reason="rouge-score is not installed")
    scorer = theirs.RougeScorer(["rougeL"])
    pairs = list(zip(texts(0), texts(1), strict=True))
    expected = [scorer.score(reference, answer)["rougeL"].fmeasure for answer, reference in pairs]
    assert [rouge.f(*pair) for pair in pairs] == pytest.approx(expected, abs=1e-9)
    assert rouge.rouge_l(*zip(*pairs, strict=True)).value == pytest.approx(np.mean(expected), abs=1e-9)


def test_it_is_that_of_lins_example() -> None:
    reference = "police killed the gunman"
    assert rouge.f("police kill the gunman", reference) == 3 / 4
    assert rouge.f("the gunman kill police", reference) == 1 / 2


def test_the_longest_common_subsequence_is_in_order() -> None:
    assert longest_common("ABCBDAB", "BDCABA") == 4  # Cormen, Leiserson, Rivest & Stein: BCBA
    assert longest_common("", "A") == 0


def test_no_answer_has_nothing_and_no_reference_does_not_count() -> None:
    measure = rouge.rouge_l([None, "a b", "a"], ["a", "a b", None])
    assert (measure.value, measure.n) == (1 / 2, 2)


def test_rege_is_the_sum_of_its_parts_in_points() -> None:
    recognition = emotion.accuracy([0, 1], [0, 0])
    generation = rouge.rouge_l(["a b", "a"], ["a b", "b"])
    assert rege.rege(recognition, generation).value.tolist() == [100, 50, 50]


def test_the_parts_of_rege_have_their_own_intervals() -> None:
    right = np.arange(100) < 65
    figures = intervals.figures(
        rege.rege(emotion.accuracy(np.where(right, 0, 1), [0] * 100), rouge.rouge_l(["a"] * 100, ["a"] * 100))
    )
    assert figures["generation"].value == 100 and np.isnan(figures["generation"].low)  # all texts are alike
    assert figures["recognition"].low == pytest.approx(figures["REGE"].low - 100)


def test_rege_is_not_of_several_figures() -> None:
    with pytest.raises(InputError, match="one figure each"):
        rege.rege(agreement.agreement([0], [0]), rouge.rouge_l(["a"], ["a"]))
