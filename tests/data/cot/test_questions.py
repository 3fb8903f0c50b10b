from __future__ import annotations

import random
import re
from collections import Counter

import pytest

from facevlm.data.cot import Coding, Label, Pair, claims_of, compare, labelled, parse, questions
from facevlm.data.cot.questions import LONGEST
from tests.data.cot.faces import face, random_label, random_units

SMILE = face(AU6="C", AU12="D", AU14="LB")
HAPPY = Label(emotion="happiness", distribution={"happiness": 0.7, "contempt": 0.3})
PLAIN = re.compile(r"[ !#-\[\]-~]+")


def asked(kind: str, coding: Coding = SMILE, label: Label | None = HAPPY, seeds: int = 60) -> list[Pair]:
    pairs = (pair for seed in range(seeds) for pair in questions(coding, label, random.Random(seed), 9))
    return [pair for pair in pairs if pair.kind == kind]


def test_answers_name_only_what_is_there_and_deny_only_what_is_absent() -> None:
    for seed in range(1500):
        rng = random.Random(seed)
        coding, label = labelled(random_units(rng)), random_label(rng)
        meant = {claim.au: claim for claim in claims_of(coding)}
        for pair in questions(coding, label, rng, 6):
            told = parse(pair.answer)
            assert told.named == set(pair.aus) <= coding.seen
            assert told.denied <= coding.absent
            assert all(each.intensity in (None, meant[each.au].intensity) for each in told.claims)


def test_comparisons_name_only_what_one_of_the_faces_shows() -> None:
    for seed in range(1000):
        rng = random.Random(seed)
        first, second = labelled(random_units(rng)), labelled(random_units(rng))
        pair = compare((1, first, random_label(rng)), (2, second, None), rng)
        told = parse(pair.answer)
        assert told.named == set(pair.aus) <= first.seen | second.seen
        assert len(pair.answer) <= LONGEST


def test_questions_and_answers_fit_every_prompt() -> None:
    for seed in range(500):
        rng = random.Random(seed)
        for pair in questions(labelled(random_units(rng)), random_label(rng), rng, 9):
            assert len(pair.answer) <= LONGEST
            assert PLAIN.fullmatch(pair.question) and PLAIN.fullmatch(pair.answer)


def test_no_question_is_asked_twice_of_one_face() -> None:
    pairs = questions(SMILE, HAPPY, random.Random(0), 20)
    assert len({pair.question for pair in pairs}) == len(pairs) == 20


def test_yes_and_no_are_about_equally_frequent() -> None:
    answers = Counter(pair.answer.split()[0].strip(",:") for pair in asked("presence", seeds=400))
    assert 0.4 < answers["Yes"] / answers.total() < 0.6


def test_presence_is_not_asked_where_only_one_answer_is_possible() -> None:
    assert not asked("presence", face(), Label(emotion="neutral"))


def test_a_unit_is_also_asked_for_without_its_name() -> None:
    assert any("AU" not in pair.question for pair in asked("presence"))


def test_the_emotion_is_named_with_what_speaks_for_it() -> None:
    for pair in asked("emotion"):
        assert "happiness" in pair.answer.lower()
        assert set(pair.aus) == {6, 12}


def test_strength_is_told_by_letter_or_word() -> None:
    for pair in asked("strength"):
        (claim,) = parse(pair.answer).claims
        assert claim.intensity == {6: "C", 12: "D", 14: "B"}[claim.au]


def test_the_side_is_told_as_it_is() -> None:
    for pair in asked("side"):
        (claim,) = parse(pair.answer).claims
        assert claim.side == ("left" if claim.au == 14 else "both")


def test_the_side_is_not_asked_where_it_is_not_known() -> None:
    unknown = SMILE.model_copy(update={"unsided": SMILE.seen})
    assert not asked("side", unknown)


def test_what_a_unit_is_is_answered_from_facs_and_claims_nothing() -> None:
    for pair in asked("definition"):
        assert not parse(pair.answer).named | parse(pair.answer).denied


def test_how_sure_is_answered_from_the_distribution() -> None:
    assert all("seven" in pair.answer and "three" in pair.answer for pair in asked("certainty"))
    assert not asked("certainty", label=Label(emotion="happiness"))


def test_what_is_missing_is_denied() -> None:
    pairs = asked("missing", face(AU4="C", AU7="C"), Label(emotion="anger"))
    assert pairs and all(parse(pair.answer).denied == {24} for pair in pairs)


def test_why_weighs_the_label_against_a_rival() -> None:
    for pair in asked("why", face(AU1="C", AU2="C", AU5="C", AU26="C"), Label(emotion="surprise")):
        if "fear" in pair.question:
            assert 4 in parse(pair.answer).denied


def test_why_admits_that_the_units_speak_for_the_rival() -> None:
    for pair in asked("why", face(AU6="C", AU12="D"), Label(emotion="sadness")):
        if "happiness" in pair.question:
            assert re.search(r"typical of happiness|appiness is possible|happiness has more|mixed|decide", pair.answer)


@pytest.mark.parametrize("word", ["Who is", "lying", "race", "ill|healthy", "old", "trust|employee", "feel"])
def test_what_no_face_tells_is_declined_with_what_can_be_told(word: str) -> None:
    pairs = [pair for pair in asked("declined", seeds=400) if re.search(word, pair.question)]
    assert pairs
    for pair in pairs:
        assert re.search(r"\b(no|not|no one|cannot|nothing)\b", pair.answer, re.I)
        assert "AU 12" in pair.answer


def test_without_a_label_nothing_is_asked_that_needs_one() -> None:
    kinds = {pair.kind for seed in range(60) for pair in questions(SMILE, None, random.Random(seed), 9)}
    assert not kinds & {"why", "certainty", "missing"}


def test_two_faces_are_compared_by_what_they_share_and_where_they_differ() -> None:
    pair = compare((1, face(AU12="E"), HAPPY), (2, face(AU12="B", AU4="C"), Label(emotion="anger")), random.Random(0))
    assert re.search(r"(both show AU 12|AU 12 is common to both)", pair.answer, re.I)
    assert "AU 4" in pair.answer and "stronger in face 1" in pair.answer and "anger" in pair.answer
