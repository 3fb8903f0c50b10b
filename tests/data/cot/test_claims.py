"""What words claim of a face, held against a face with AU 6 and AU 12 on both sides and AU 14 on the left alone."""

from __future__ import annotations

import pytest

from facevlm.data.cot import presence
from facevlm.data.cot.claims import declined, faults, garbled, ruled_out, untrue
from facevlm.types import AU_CODES, ActionUnit, Face

SIDES = {6: (0.8, 0.8), 12: (0.6, 0.6), 14: (0.5, 0.0)}


@pytest.fixture(scope="module")
def smiling() -> Face:
    sides = {code: SIDES.get(code, (0.0, 0.0)) for code in AU_CODES}
    units = {code: ActionUnit(code=code, value=sum(two) / 2, left=two[0], right=two[1]) for code, two in sides.items()}
    return Face.model_construct(id=1, action_units=units)


@pytest.mark.parametrize(
    "words",
    [
        "Yes, AU 12 is there: the lip corners are drawn up.",
        "Yes: the lip corners pull back and up, which is AU 12.",
        "The face shows AU 6 (cheek raiser, maximum) and AU 12 (lip corner puller, severe).",
        "AU 6 and AU 12 are typical of happiness, while sadness would need more: AU 15 is absent.",
        "AU 14 shows on the person's left alone.",
        "No AU 9 is seen on this face.",
    ],
)
def test_what_is_so_passes(words: str, smiling: Face) -> None:
    assert list(faults(words, smiling)) == []
    assert list(garbled(words)) == []


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("Yes, AU 4 is there.", "AU 4 is not seen"),
        ("No AU 12 is seen on this face.", "AU 12 is seen"),
        ("AU 99 (banana) is there.", "AU 99 is not seen"),
        ("AU 12 is at maximum (E).", "AU 12 is not maximum"),
        ("The right AU 14 is there.", "AU 14 is not on the right"),
        ("Yes, AU 12 is there: the cheeks are raised.", "is AU 6"),
        ("The brows are lowered.", "AU 4 is not seen"),
        ("For anger speak AU 6 and AU 12.", "not typical of anger"),
        ("Face 2 shows AU 12.", "it names face 2"),
        ("She feels well.", "more than an expression"),
        ("Happiness", "no sentence"),
    ],
)
def test_what_is_not_so_is_named(words: str, reason: str, smiling: Face) -> None:
    assert reason in "; ".join(faults(words, smiling))


def test_the_words_of_declining_are_known() -> None:
    assert declined("No one is recognised or named here. AU 12 is seen.") == "No one is recognised or named here."
    assert declined("AU 12 is seen.") == ""


def test_a_unit_on_one_side_counts_as_seen_by_that_side(smiling: Face) -> None:
    assert presence.seen(smiling) == (6, 12, 14)
    assert (presence.side(smiling, 14), presence.strength(smiling.action_units[14])) == ("left", 0.5)
    assert presence.present(smiling.model_copy(update={"action_units": {}}), 12) is None


@pytest.mark.parametrize(
    "words",
    [
        "Yes, AU 12 is there: the lip corners are drawn up.",
        "The face shows AU 6 (cheek raiser, severe) and AU 12 (lip corner puller, marked).",
        "For happiness speak AU 6 (raised cheeks) and AU 12 (raised lip corners).",
        "AU 6 and AU 12 are typical of happiness, while sadness would need more: AU 15 is absent.",
        "For happiness speak AU 6 and AU 12; none of what is seen is typical of fear.",
        "AU 14 shows on the person's left alone.",
        "AU 12 (lip corner puller) shows on both sides.",
        "No AU 9 is seen on this face.",
    ],
)
def test_untrue_says_nothing_of_what_is_so(words, smiling):
    assert list(untrue(words, smiling)) == []


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("Yes, AU 12 is there: the cheeks are raised.", "is AU 6"),
        ("For happiness speak AU 6 and 12 make a whole prototype of happiness.", "happiness twice"),
        ("Yes: the right upper lid is raised, which is AU 12.", "is AU 5"),
        ("The brows are lowered.", "AU 4 is not seen"),
        ("AU 12 (cheek raiser) is there.", "AU 12 is not «cheek raiser»"),
        ("Seen are AU 6, AU 12 and AU 12.", "repeats"),
        ("The strongest are AU 12 and AU 14.", "AU 6 is stronger"),
        ("AU 12 shows on the person's left alone.", "other side"),
        ("AU 14 (dimpler) shows on both sides.", "both sides"),
        ("For anger speak AU 6 and AU 12.", "not typical of anger"),
        ("None of what is seen is typical of happiness.", "something is typical of happiness"),
        ("Sadness would need more: AU 9 is absent.", "AU 9 is not missing for sadness"),
        ("Neutral: nothing stands out from rest.", "nothing stands out"),
    ],
)
def test_untrue_names_what_is_not_so(words, reason, smiling):
    assert any(reason in each for each in untrue(words, smiling))


def test_another_emotion_may_be_named_where_something_speaks_against_it():
    assert ruled_out("AU 12 is typical of happiness, while sadness would need more: AU 15 is absent.", "sadness")
    assert not ruled_out("It could be sadness, with AU 12.", "sadness")


def test_a_sentence_that_declines_is_told():
    assert declined("No one is recognised or named here.") and not declined("The lip corners are raised.")
