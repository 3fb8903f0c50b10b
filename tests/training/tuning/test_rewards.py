from __future__ import annotations

import json
import random
from typing import Any

import pytest

from facevlm.data.cot import Coding, labelled, short
from facevlm.data.cot.coding import phrased
from facevlm.data.cot.weigh import weigh
from facevlm.training.tuning import rewards
from facevlm.training.tuning.rewards import FOLLOWS, REWARDS, for_trl
from facevlm.training.tuning.targets import Measured, Seen, Target
from facevlm.types import EMOTIONS
from tests.data.cot.faces import random_units

FIELDS = ("observations", "interpretation", "emotion")
SMILE = Target(
    fields=FIELDS,
    emotion="happiness",
    truth={6: Seen(intensity="C"), 12: Seen(intensity="D")},
    units={6: Measured(value=0.5, left=0.5, right=0.5), 12: Measured(value=0.7, left=0.7, right=0.7)},
)
AT_REST = Target(fields=FIELDS, emotion="neutral", truth={}, units={12: Measured(value=0.02, left=0.0, right=0.04)})
UNKNOWN = Target(fields=FIELDS)
NOT_ANSWERS = (
    "",
    "happiness",
    '{"observations":[],"interpretation":"a smile","emotion":"happy"}',
    '{"observations":[],"interpretation":"a smile","emotion":"hapiness"}',
    '{"observations":[],"interpretation":"a smile","emotion":"happiness"',
    '{"observations":[],"emotion":"happiness","interpretation":"a smile"}',
    '{"observations":[],"interpretation":"a smile","emotion":"fear","emotion":"happiness"}',
    '{"observations":[],"interpretation":"a smile","emotion":"happiness","certain":true}',
    'Here: {"observations":[],"interpretation":"a smile","emotion":"happiness"}',
    '{"observations":[],"interpretation":"a smile","emotion":"happiness"} Done.',
    '{"observations":[{"au":99,"intensity":"C","side":"both","evidence":"x"}],"interpretation":"","emotion":"neutral"}',
    '{"observations":[{"au":12,"intensity":"F","side":"both","evidence":"x"}],"interpretation":"","emotion":"neutral"}',
    '[["observations",[]],["interpretation",""],["emotion","happiness"]]',
)


def claim(code: int, intensity: str = "C", side: str = "both", evidence: str = "as it shows") -> dict[str, Any]:
    return {"au": code, "intensity": intensity, "side": side, "evidence": evidence}


def said(*claims: dict[str, Any], emotion: str = "happiness", why: str = "what it looks like") -> str:
    return json.dumps({"observations": list(claims), "interpretation": why, "emotion": emotion})


GOOD = said(claim(6, "C"), claim(12, "D"), why="a broad smile: happiness, AU 6, 12 make it")


@pytest.mark.parametrize("name", REWARDS)
def test_a_true_and_well_made_answer_earns_everything(name: rewards.Name) -> None:
    assert REWARDS[name](GOOD, SMILE) == 1


@pytest.mark.parametrize("text", NOT_ANSWERS)
@pytest.mark.parametrize("name", REWARDS)
def test_what_is_not_the_answer_asked_for_earns_nothing_anywhere(name: rewards.Name, text: str) -> None:
    assert REWARDS[name](text, SMILE) == 0
    assert REWARDS[name](text, AT_REST) == 0


def test_space_around_the_json_is_no_fault() -> None:
    assert rewards.schema(f"\n {GOOD} \n", SMILE) == 1


def test_another_prompt_asks_for_other_fields() -> None:
    label = Target(fields=("emotion",), emotion="fear")
    assert rewards.schema('{"emotion":"fear"}', label) == 1
    assert rewards.schema(GOOD, label) == 0


@pytest.mark.parametrize(("emotion", "score"), [("happiness", 1), ("surprise", 0)])
def test_without_votes_the_label_is_right_or_wrong(emotion: str, score: float) -> None:
    assert rewards.emotion(said(emotion=emotion), SMILE) == score


@pytest.mark.parametrize(("emotion", "score"), [("fear", 0.5), ("surprise", 0.4), ("anger", 0.1), ("disgust", 0)])
def test_with_votes_an_emotion_is_worth_its_share_of_them(emotion: str, score: float) -> None:
    divided = Target(fields=FIELDS, emotion="fear", votes={"fear": 0.5, "surprise": 0.4, "anger": 0.1})
    assert rewards.emotion(said(emotion=emotion), divided) == score


def test_no_mixture_of_answers_beats_the_emotion_most_raters_see() -> None:
    rng = random.Random(0)
    for _ in range(50):
        shares = [rng.random() for _ in EMOTIONS]
        votes = {each: share / sum(shares) for each, share in zip(EMOTIONS, shares, strict=True)}
        target = Target(fields=FIELDS, votes=votes)
        scores = {each: rewards.emotion(said(emotion=each), target) for each in EMOTIONS}
        assert max(scores, key=lambda each: scores[each] or 0) == max(votes, key=lambda each: votes[each])


@pytest.mark.parametrize(
    ("claimed", "score"),
    [((6, 12), 1.0), ((12,), 2 / 3), ((12, 4), 0.5), ((6, 12, 1, 2), 2 / 3), ((4,), 0.0), ((), 0.0)],
)
def test_units_are_scored_by_the_f1_of_the_two_sets(claimed: tuple[int, ...], score: float) -> None:
    assert rewards.units(said(*map(claim, claimed)), SMILE) == pytest.approx(score)


def test_silence_about_a_face_at_rest_is_right_and_a_claim_is_not() -> None:
    for name in ("units", "sides", "intensity", "evidence"):
        assert REWARDS[name](said(emotion="neutral"), AT_REST) == 1
        assert REWARDS[name](said(claim(12), emotion="neutral"), AT_REST) == 0


def test_a_unit_claimed_twice_counts_once() -> None:
    assert rewards.units(said(claim(12), claim(12)), SMILE) == pytest.approx(2 / 3)


def test_units_nobody_coded_are_those_the_measurement_speaks_for() -> None:
    measured = SMILE.model_copy(update={"truth": None})
    assert rewards.units(GOOD, measured) == 1
    assert rewards.units(said(claim(4)), measured) == 0


@pytest.mark.parametrize(
    ("claims", "score"),
    [
        ((claim(14, side="left"), claim(12)), 1.0),
        ((claim(14, side="right"), claim(12)), 0.5),
        ((claim(14),), 0.0),
        ((claim(14, side="left"), claim(4, side="right")), 1.0),
        ((claim(4),), 0.0),
    ],
)
def test_sides_are_scored_on_the_units_in_both(claims: tuple[dict[str, Any], ...], score: float) -> None:
    crooked = Target(fields=FIELDS, truth={14: Seen(intensity="C", side="left"), 12: Seen(intensity="B")})
    assert rewards.sides(said(*claims), crooked) == score


@pytest.mark.parametrize(("grade", "score"), [("A", 0), ("B", 0), ("C", 1), ("D", 1), ("E", 1)])
def test_an_intensity_is_right_within_one_grade(grade: str, score: float) -> None:
    assert rewards.intensity(said(claim(12, grade)), SMILE) == score


@pytest.mark.parametrize(("claimed", "score"), [((6, 12), 1.0), ((12, 4), 0.5), ((4, 20), 0.0), ((), 0.0)])
def test_evidence_is_the_share_of_claims_that_measurement_supports(claimed: tuple[int, ...], score: float) -> None:
    measured = SMILE.model_copy(update={"units": {**SMILE.units, 4: Measured(value=0.0)}})
    assert rewards.evidence(said(*map(claim, claimed)), measured) == score


def test_a_claim_that_cannot_be_measured_is_not_supported() -> None:
    blind = Target(fields=FIELDS, units={12: Measured(value=0.7), 14: Measured(value=None)})
    assert rewards.evidence(said(claim(12), claim(14)), blind) == 0.5


def test_a_claim_of_the_wrong_side_is_not_supported() -> None:
    left = Target(fields=FIELDS, units={12: Measured(value=0.5, left=0.9, right=0.1)})
    assert rewards.evidence(said(claim(12, side="left")), left) == 1
    assert rewards.evidence(said(claim(12, side="right")), left) == 0


@pytest.mark.parametrize(
    ("claims", "emotion", "score"),
    [
        ((claim(6), claim(12)), "happiness", 1.0),
        ((claim(6), claim(12)), "sadness", 0.5),
        ((claim(12),), "sadness", 0.0),
        ((claim(12, "E"), claim(4, "A")), "anger", 0.5),
        ((), "happiness", 0.0),
        ((), "neutral", 1.0),
        ((claim(4, "B"),), "neutral", 0.5),
        ((claim(6), claim(12)), "neutral", 0.0),
    ],
)
def test_the_conclusion_follows_from_the_observations(
    claims: tuple[dict[str, Any], ...], emotion: str, score: float
) -> None:
    assert rewards.order(said(*claims, emotion=emotion), SMILE) == score


@pytest.mark.parametrize("why", ["AU 6, 9, 12 make it", "fear: the face is tense"])
def test_an_interpretation_that_is_about_something_else_makes_no_argument(why: str) -> None:
    assert rewards.order(said(claim(6), claim(12), why=why), SMILE) == 0


def test_a_unit_told_in_two_ways_is_no_ground_for_a_conclusion() -> None:
    assert rewards.order(said(claim(6), claim(12, "B"), claim(12, "D")), SMILE) == 0


def test_a_label_before_its_observations_does_not_follow_from_them() -> None:
    target = SMILE.model_copy(update={"fields": ("emotion", "observations", "interpretation")})
    answer = json.loads(GOOD)
    text = json.dumps({name: answer[name] for name in target.fields})
    assert (rewards.schema(text, target), rewards.order(text, target)) == (1, 0)


@pytest.mark.parametrize(
    "text",
    [
        said(*(claim(code) for code in (1, 2, 4, 5, 6, 7, 9)), emotion="fear"),
        said(claim(12, evidence="the lip corners are " + "very " * 12 + "high")),
        said(claim(12, evidence="")),
        said(claim(12), why=""),
        said(claim(12), why="so " * 90),
    ],
)
def test_an_answer_longer_or_emptier_than_the_engines_earns_no_length(text: str) -> None:
    assert (rewards.schema(text, SMILE), rewards.length(text, SMILE)) == (1, 0)


def test_a_face_nobody_labelled_or_measured_is_not_scored_in_that() -> None:
    scores = {name: reward(GOOD, UNKNOWN) for name, reward in REWARDS.items()}
    assert scores == {
        "schema": 1, "length": 1, "order": 1,
        "emotion": None, "units": None, "sides": None, "intensity": None, "evidence": None,
    }  # fmt: skip


def test_the_engines_own_texts_earn_what_their_units_and_label_allow() -> None:
    rng = random.Random(1)
    for _ in range(300):
        coding = labelled(random_units(rng))
        seen, emotion = phrased(coding.observations[: short.MOST], rng), rng.choice(EMOTIONS)
        text = short.write(seen, short.interpret(seen, emotion, rng), emotion, FIELDS)
        truth = {each.au: Seen(intensity=each.intensity, side=each.side) for each in seen}
        target = Target(fields=FIELDS, emotion=emotion, truth=truth)
        for name in ("schema", "emotion", "units", "sides", "intensity", "length"):
            assert REWARDS[name](text, target) == 1, (name, text)
        if emotion != "neutral":
            assert rewards.order(text, target) == FOLLOWS[weigh(Coding(observations=seen), emotion).relation], text


def test_trl_hands_over_completions_beside_their_columns() -> None:
    score = for_trl("emotion")
    target = SMILE.model_dump_json()
    completions = [[{"role": "assistant", "content": GOOD}], [{"role": "assistant", "content": said(emotion="fear")}]]
    assert score.__name__ == "emotion"
    assert score(["", ""], completions, target=[target] * 2, images=[None] * 2, trainer_state=None) == [1, 0]
