from __future__ import annotations

import json
import random

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facevlm import facs, prompting
from facevlm.data import explain
from facevlm.faces.action_units import THRESHOLDS
from facevlm.reasoning.parse import parse_face
from facevlm.types import AU_CODES, EMOTIONS, ActionUnit, Emotion

FIELDS = ("observations", "interpretation", "emotion")
strengths = st.none() | st.floats(0, 1)
measured = st.fixed_dictionaries(
    {
        code: st.builds(ActionUnit, code=st.just(code), value=strengths, left=strengths, right=strengths)
        if facs.unit(code).sided
        else st.builds(ActionUnit, code=st.just(code), value=strengths)
        for code in AU_CODES
    }
)


def units(**values: float) -> dict[int, ActionUnit]:
    """AU12=0.7 and so on, the same on both sides."""
    return {
        (code := int(name[2:])): ActionUnit(code=code, value=value, left=value, right=value)
        for name, value in values.items()
    }


@given(measured, st.sampled_from(EMOTIONS), st.integers(0, 99))
def test_what_is_written_is_read_back_as_it_was_meant(face: dict[int, ActionUnit], emotion: Emotion, seed: int) -> None:
    rng = random.Random(seed)
    observations = explain.observe(face, rng)
    text = explain.write(observations, explain.interpret(observations, emotion, rng), emotion, FIELDS)
    told = parse_face(text, FIELDS)
    assert told.observations == observations
    assert told.emotion == emotion


@given(measured, st.sampled_from(EMOTIONS), st.integers(0, 99))
def test_what_is_written_keeps_to_the_schema_the_model_is_held_to(
    face: dict[int, ActionUnit], emotion: Emotion, seed: int
) -> None:
    rng = random.Random(seed)
    observations = explain.observe(face, rng)
    text = explain.write(observations, explain.interpret(observations, emotion, rng), emotion, FIELDS)
    jsonschema.validate(json.loads(text), prompting.answer_schema(prompting.load("sov-cot", "face"), None))


@given(measured, st.integers(0, 99))
def test_only_what_is_there_is_observed(face: dict[int, ActionUnit], seed: int) -> None:
    for each in explain.observe(face, random.Random(seed)):
        unit = face[each.au]
        strength = unit.value if each.side == "both" else getattr(unit, each.side)
        assert strength >= THRESHOLDS[each.au]
        assert each.intensity == facs.grade(strength)


@given(measured, st.sampled_from(EMOTIONS), st.integers(0, 99))
def test_nothing_before_the_emotion_gives_it_away(face: dict[int, ActionUnit], emotion: Emotion, seed: int) -> None:
    """What comes before the word is the same whatever the emotion: its probability is that of the word."""
    before = []
    for label in ("neutral", emotion):
        rng = random.Random(seed)
        observations = explain.observe(face, rng)
        before.append((observations, explain.interpret(observations, label, rng).partition(label)[0]))
    assert before[0] == before[1]
    assert not any(word in before[0][1] for word in EMOTIONS)


def test_one_raised_corner_is_told_by_its_side() -> None:
    face = {12: ActionUnit(code=12, value=0.35, left=0.7, right=0.0)}
    (seen,) = explain.observe(face, random.Random(0))
    assert (seen.side, seen.intensity) == ("left", "D")
    assert "left" in seen.evidence


def test_pressed_and_parted_lips_are_not_claimed_together() -> None:
    codes = [each.au for each in explain.observe(units(AU24=0.6, AU25=0.4), random.Random(0))]
    assert codes == [24]


@pytest.mark.parametrize(
    ("face", "emotion", "says"),
    [
        (units(AU6=0.5, AU12=0.7), "happiness", "AU 6, 12"),
        (units(AU12=0.7, AU4=0.5), "happiness", "for it AU 12, against it AU 4"),
        (units(), "sadness", "whole"),
        (units(), "neutral", "at rest"),
    ],
)
def test_the_interpretation_says_how_the_units_bear_on_the_emotion(
    face: dict[int, ActionUnit], emotion: Emotion, says: str
) -> None:
    rng = random.Random(3)
    assert says in explain.interpret(explain.observe(face, rng), emotion, rng)
