from __future__ import annotations

import random

import pytest

from facevlm.data.cot import Label, long, rewrite
from tests.data.cot.faces import face

CODING = face(AU6="C", AU12="LD")
TEXT = long.write(CODING, Label(emotion="happiness"), random.Random(0))
SAME = """Observations: A severe AU 12 (lip corner puller) on the left. AU 6 (cheek raiser) is marked.

Interpretation: A smile, and AU 6 with it.

Conclusion: The expression reads as happiness."""


def test_a_rewrite_that_says_the_same_is_taken() -> None:
    assert rewrite(TEXT, lambda _: SAME).text == SAME


def test_the_model_is_given_the_text_and_the_rules() -> None:
    requests = []
    rewrite(TEXT, lambda request: requests.append(request) or SAME)  # type: ignore[func-returns-value]
    assert TEXT in requests[0] and "Add none" in requests[0]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("AU 6 (cheek raiser) is marked", "The cheeks are raised", "other action units"),
        ("AU 6 (cheek raiser) is marked.", "AU 6 is marked. AU 25 is slight.", "other action units"),
        ("marked", "slight", "other strengths"),
        ("on the left", "on the right", "other sides"),
        ("AU 6 with it", "AU 25 with it", "action units not observed"),
        ("AU 6 with it", "no AU 43 with it", "action units not observed"),
        ("happiness", "surprise", "another emotion"),
        ("happiness", "joy", "unreadable"),
        ("A smile", "The person feels good", "speaks of feelings"),
        ("A smile", "She looks very happy", "speaks of feelings"),
        ("A smile", "A smile " * 200, "too long"),
        (SAME, "I cannot help with that.", "other action units"),
    ],
)
def test_a_rewrite_that_says_anything_else_is_refused(old: str, new: str, why: str) -> None:
    result = rewrite(TEXT, lambda _: SAME.replace(old, new))
    assert (result.text, result.refused) == (TEXT, why)
