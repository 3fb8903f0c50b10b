from __future__ import annotations

import pytest

from facevlm.data.cot import Claim, parse
from facevlm.errors import OutputError

TEXT = """Observations: {}

Interpretation: {}

Conclusion: {}"""


def claims(observations: str) -> set[tuple[int, str | None, str | None]]:
    told = parse(TEXT.format(observations, "Nothing.", "Happiness."))
    return {(each.au, each.intensity, each.side) for each in told.claims}


@pytest.mark.parametrize(
    ("observations", "said"),
    [
        ("AU 12, lip corner puller, severe, left side.", {(12, "D", "left")}),
        ("The lip corners rise (AU12, severe).", {(12, "D", "both")}),
        ("AU L12D shows.", {(12, "D", "left")}),
        ("A trace of AU 4; AU 12 at maximum on both sides.", {(4, "A", "both"), (12, "E", "both")}),
        ("AU 6 and AU 12 are both marked.", {(6, "C", "both"), (12, "C", "both")}),
        ("AU 6 is slight, AU 12 is severe.", {(6, "B", "both"), (12, "D", "both")}),
        ("AU 6 (slight) and AU 12 (severe, right).", {(6, "B", "both"), (12, "D", "right")}),
        ("Action unit 12 has intensity C.", {(12, "C", "both")}),
        ("AU 12 shows.", {(12, None, "both")}),
        ("AU 12 is severe, and there is no AU 6.", {(12, "D", "both")}),
        ("AU 12 is slight, marked or severe.", {(12, None, "both")}),
    ],
)
def test_a_claim_is_read_with_its_strength_and_side(
    observations: str, said: set[tuple[int, str | None, str | None]]
) -> None:
    assert claims(observations) == said


@pytest.mark.parametrize(
    "said",
    [
        "There is no AU 6.",
        "A smile without AU 6.",
        "AU 6 is absent.",
        "AU 6 is not seen.",
        "Neither AU 6 nor AU 7 moves.",
        "It lacks AU 6 (raised cheeks).",
        "With AU 6 missing, little is left.",
    ],
)
def test_what_is_said_to_be_absent_is_no_claim(said: str) -> None:
    told = parse(TEXT.format("AU 12, severe.", said, "Happiness."))
    assert 6 in told.denied and 6 not in told.named


def test_a_denial_does_not_reach_over_to_what_is_there() -> None:
    told = parse("AU 12 is there and no AU 6 is seen; AU 4 shows.")
    assert (told.named, told.denied) == ({4, 12}, {6})


def test_what_an_interpretation_makes_up_is_found() -> None:
    assert parse(TEXT.format("AU 12, severe.", "AU 6 and AU 12 agree.", "Happiness.")).unobserved == {6}


def test_headings_may_be_dressed_up() -> None:
    told = parse(
        "**Key Observations:**\nAU 12, severe.\n\n**Overall Interpretation:** A smile.\n\n**Conclusion:** Happiness."
    )
    assert told.claims == (Claim(au=12, intensity="D", side="both"),)
    assert told.emotion == "happiness"


def test_the_emotion_is_that_of_the_conclusion_whatever_else_was_weighed() -> None:
    assert parse(TEXT.format("AU 12, severe.", "Contempt comes close.", "Happiness.")).emotion == "happiness"


@pytest.mark.parametrize("conclusion", ["Happiness or surprise.", "A smile."])
def test_a_conclusion_without_one_emotion_is_an_error(conclusion: str) -> None:
    with pytest.raises(OutputError, match="must name one"):
        parse(TEXT.format("AU 12, severe.", "Nothing.", conclusion))


def test_a_unit_told_of_twice_and_differently_is_an_error() -> None:
    with pytest.raises(OutputError, match="AU 12 is told of twice"):
        parse(TEXT.format("AU 12, severe. AU 12, slight.", "Nothing.", "Happiness."))


def test_broken_json_is_an_error() -> None:
    with pytest.raises(OutputError, match="no answer in JSON"):
        parse('{"observations": [{"au": 12')
