from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facevlm.models.commitment import Candidate, Step, commitments, first_named
from facevlm.types import EMOTIONS

ANSWER = '{"observations": [], "interpretation": "his \\"emotion\\": \\"fear\\"", "emotion": "happiness"}'
PLACE = ANSWER.index("happiness")


def step(token: str, **alternatives: float) -> Step:
    chances = alternatives or {token: 1.0}
    candidates = [Candidate(token=other, logprob=math.log(chance)) for other, chance in chances.items()]
    return Step(token=token, logprob=math.log(chances.get(token, 1e-9)), top_logprobs=candidates)


def written(steps: list[Step]) -> str:
    return "".join(step["token"] for step in steps)


def committed(steps: list[Step]):
    return commitments(steps, written(steps))


def split(text: str, cuts: list[int]) -> list[str]:
    edges = [0, *sorted(set(cuts)), len(text)]
    return [text[start:end] for start, end in pairwise(edges) if end > start]


@given(st.lists(st.integers(1, len(ANSWER) - 1), max_size=12))
def test_the_place_is_found_however_the_answer_is_cut_into_tokens(cuts):
    (distribution,) = commitments([step(token) for token in split(ANSWER, cuts)], ANSWER)
    assert distribution is not None
    assert distribution["happiness"] == pytest.approx(1)


def test_a_token_may_be_the_beginning_of_a_word():
    (distribution,) = committed([step('{"emotion": "'), step("hap", hap=0.5, neut=0.3, f=0.2), step('piness"}')])
    assert distribution == pytest.approx(dict.fromkeys(EMOTIONS, 0.0) | {"happiness": 0.5, "neutral": 0.3, "fear": 0.2})


def test_a_token_may_carry_the_quotation_mark_before_the_word():
    chosen = Step(
        token=' "fear',
        logprob=math.log(0.6),
        top_logprobs=[
            Candidate(token=' "anger', logprob=math.log(0.2)),
            Candidate(token=" sad", logprob=math.log(0.2)),
        ],
    )
    (distribution,) = committed([step('{"emotion":'), chosen, step('"}')])
    assert distribution == pytest.approx(dict.fromkeys(EMOTIONS, 0.0) | {"fear": 0.75, "anger": 0.25})


def test_a_chosen_token_that_fits_two_emotions_gives_no_distribution():
    assert committed([step('{"emotion": "'), step("s", s=0.9, fear=0.1), step('urprise"}')]) == (None,)


def test_an_emotion_named_in_the_reasoning_is_not_the_answers():
    answer = '{"emotion": "fear"}'
    thought = [step('I could say {"emotion": "'), step("anger"), step('"}. ')]
    (distribution,) = commitments([*thought, step('{"emotion": "'), step("fear"), step('"}')], answer)
    assert distribution is not None
    assert distribution["fear"] == pytest.approx(1)


def test_an_answer_about_several_faces_gives_one_distribution_a_face():
    steps = [step('[{"emotion": "'), step("fear"), step('"}, {"emotion": "'), step("anger"), step('"}]')]
    first, second = committed(steps)
    assert first is not None and first["fear"] == pytest.approx(1)
    assert second is not None and second["anger"] == pytest.approx(1)


@given(st.lists(st.tuples(st.text(max_size=12), st.floats(-50, 0)), max_size=8))
def test_any_tokens_at_all_give_distributions_that_sum_to_one(tokens):
    steps = [{"token": '{"emotion": "', "logprob": 0}, *({"token": each, "logprob": chance} for each, chance in tokens)]
    for distribution in committed(steps):
        assert distribution is None or sum(distribution.values()) == pytest.approx(1)


FACE = ['{"observations":[],', '"interpretation":"', "nothing moves", ": ", "fear", '.","emotion":"', "fear", '"}']


def test_an_answer_about_a_face_commits_where_it_first_names_an_emotion():
    steps = [step(token) for token in FACE]
    steps[4] = step("fear", fear=0.6, anger=0.2, the=0.2)
    steps[6] = step("fear", fear=1.0)
    distribution = first_named(steps, "".join(FACE))
    assert distribution == pytest.approx(dict.fromkeys(EMOTIONS, 0.0) | {"fear": 0.75, "anger": 0.25})


def test_a_calibrated_temperature_sharpens_what_the_log_probabilities_say():
    distribution = first_named([step("fear", fear=0.6, anger=0.3)], "fear", temperature=0.5)
    assert distribution is not None
    assert distribution["fear"] == pytest.approx(0.8)  # 0.6² over 0.6² + 0.3²


def test_a_token_that_only_begins_a_word_names_no_emotion_of_a_face():
    assert first_named([step("fear"), step("ful")], "ful") is None
    assert first_named([step("fearful")], "fearful") is None
