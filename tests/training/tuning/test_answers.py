from __future__ import annotations

from typing import Any

import pytest

from facevlm.training.tuning import answers
from facevlm.training.tuning.rows import Row

LABEL = '{"emotion": "fear"}'


def row(answer: str) -> Row:
    said: dict[str, Any] = {
        "prompt": [{"role": "user", "content": "Which emotion?"}],
        "completion": [{"role": "assistant", "content": answer}],
        "images": ["face.png"],
    }
    return Row.model_validate(said)


def test_only_rows_answered_in_json_are_asked_for_validity() -> None:
    found = answers.asked_as_json([row("Fear."), row(LABEL), row('{"emotion": "joy"}'), row("[1]")])
    assert [(each.answer, fields) for each, fields in found] == [(LABEL, ("emotion",))]


@pytest.mark.parametrize(
    ("text", "share"),
    [
        (LABEL, 1.0),
        (LABEL + "\n", 1.0),
        ('{"emotion": "joy"}', 0.0),
        ('{"emotion": "fear", "observations": []}', 0.0),
        (LABEL[:-1], 0.0),
        ("I see " + LABEL, 0.0),
    ],
)
def test_an_answer_is_valid_if_it_is_the_json_asked_for_and_nothing_else(text: str, share: float) -> None:
    assert answers.valid([text], [("emotion",)]) == share
