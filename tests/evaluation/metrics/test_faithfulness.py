"""Claims against measurement and against the truth, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import precision_score, recall_score

from facevlm.evaluation import intervals
from facevlm.evaluation.metrics import faithfulness

RNG = np.random.default_rng(0)
CLAIMED, TRUE = RNG.random((200, 24)) < 0.2, RNG.random((200, 24)) < 0.2


def test_measured_faithfulness_comes_with_coverage_and_claims_a_face(face: Any) -> None:
    faces = [face(claims=[(12, "supported"), (4, "contradicted"), (11, "unmeasurable")]), face(), None]
    figures = intervals.figures(faithfulness.measured(faithfulness.verdicts(faces)))
    assert {name: each.value for name, each in figures.items()} == pytest.approx(
        {"faithfulness": 1 / 2, "coverage": 2 / 3, "claims": 1}
    )
    assert figures["claims"].n == 3
    assert figures["faithfulness"].n == 1  # of the others nothing could be measured


def test_true_faithfulness_is_of_the_units_that_were_coded() -> None:
    claimed, true = [[1, 1, 1], [0, 0, 0]], [[1, 0, np.nan], [1, 0, 0]]
    assert faithfulness.true(claimed, true).value == pytest.approx([1 / 2, 2 / 3, 3 / 2])


def test_what_is_hallucinated_is_a_share_of_claims_and_what_is_missed_of_what_shows() -> None:
    claimed, true = [[1, 1, 1], [0, 0, 0]], [[1, 0, np.nan], [1, 0, 0]]
    assert faithfulness.hallucinated(claimed, true).value == 1 / 2
    assert faithfulness.missed(claimed, true).value == 1 / 2
    assert faithfulness.missed(claimed, true).better == "lower"


def test_they_are_what_precision_and_recall_leave() -> None:
    told, true = CLAIMED.ravel(), TRUE.ravel()
    assert faithfulness.hallucinated(CLAIMED, TRUE).value == pytest.approx(1 - precision_score(true, told), abs=1e-9)
    assert faithfulness.missed(CLAIMED, TRUE).value == pytest.approx(1 - recall_score(true, told), abs=1e-9)


def test_where_nothing_is_claimed_there_is_no_faithfulness() -> None:
    values = faithfulness.measured([(), ()]).value
    assert np.isnan(values[:2]).all()
    assert values[2] == 0
