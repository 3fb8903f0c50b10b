from __future__ import annotations

import json
import random
import re

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facevlm import facs, prompting
from facevlm.data.cot import claims_of, labelled, parse, short
from facevlm.data.cot.coding import phrased
from facevlm.faces.action_units import THRESHOLDS
from facevlm.types import AU_CODES, EMOTIONS, ActionUnit, Emotion
from tests.data.cot.faces import face, measure, random_units

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


def text_of(units: dict[int, ActionUnit], emotion: Emotion, rng: random.Random) -> str:
    observations = short.observe(units, rng)
    return short.write(observations, short.interpret(observations, emotion, rng), emotion, FIELDS)


def test_what_is_written_is_read_back_as_it_was_meant_on_10_000_faces() -> None:
    for seed in range(10_000):
        rng = random.Random(seed)
        coding, emotion = labelled(random_units(rng)), rng.choice(EMOTIONS)
        coding = coding.model_copy(update={"observations": coding.observations[: short.MOST], "ungraded": frozenset()})
        seen = phrased(coding.observations, rng)
        told = parse(short.write(seen, short.interpret(seen, emotion, rng), emotion, FIELDS))
        assert (told.claims, told.emotion, told.unobserved, told.denied) == (claims_of(coding), emotion, set(), set())


@given(measured, st.sampled_from(EMOTIONS), st.integers(0, 99))
def test_what_is_written_keeps_to_the_schema_the_model_is_held_to(
    units: dict[int, ActionUnit], emotion: Emotion, seed: int
) -> None:
    text = text_of(units, emotion, random.Random(seed))
    jsonschema.validate(json.loads(text), prompting.answer_schema(prompting.load("sov-cot", "face"), None))


@given(measured, st.integers(0, 99))
def test_only_what_is_there_is_observed(units: dict[int, ActionUnit], seed: int) -> None:
    for each in short.observe(units, random.Random(seed)):
        unit = units[each.au]
        strength = unit.value if each.side == "both" else getattr(unit, each.side)
        assert strength >= THRESHOLDS[each.au]
        assert each.intensity == facs.grade(strength)


@given(measured, st.sampled_from(EMOTIONS), st.integers(0, 99))
def test_nothing_before_the_emotion_gives_it_away(units: dict[int, ActionUnit], emotion: Emotion, seed: int) -> None:
    """What comes before the word is the same whatever the emotion: its probability is that of the word."""
    before = []
    for label in ("neutral", emotion):
        rng = random.Random(seed)
        observations = short.observe(units, rng)
        before.append((observations, short.interpret(observations, label, rng).partition(f": {label}")[0]))
    assert before[0] == before[1]
    assert not any(word in before[0][1] for word in EMOTIONS)


@pytest.mark.parametrize(
    ("units", "emotion", "says"),
    [
        (measure(AU6=0.5, AU12=0.7), "happiness", r"AU 6, 12"),
        (measure(AU12=0.7, AU4=0.5), "happiness", r"AU 12.*AU 4"),
        (measure(AU12=0.7), "sadness", r"whole face.*AU 12|not from the movements"),
        (measure(AU1=0.5, AU2=0.5, AU12=0.7, AU25=0.5), "happiness", r"surprise"),
        (measure(), "sadness", r"whole"),
        (measure(), "neutral", r"measured"),
    ],
)
def test_the_interpretation_says_how_the_units_bear_on_the_emotion(
    units: dict[int, ActionUnit], emotion: Emotion, says: str
) -> None:
    for seed in range(20):
        rng = random.Random(seed)
        assert re.search(says, short.interpret(short.observe(units, rng), emotion, rng))


def test_what_is_strong_is_not_called_faint() -> None:
    for seed in range(20):
        rng = random.Random(seed)
        assert "faint" not in short.interpret(short.observe(measure(AU4=0.7), rng), "neutral", rng)


def test_a_movement_on_one_side_is_pictured_as_one_sided() -> None:
    said = {short.picture(face(AU12="LC").observations, random.Random(seed)) for seed in range(20)}
    assert said and all("one" in picture for picture in said)


def test_one_seed_writes_one_text() -> None:
    texts = {text_of(measure(AU6=0.5, AU12=0.7), "happiness", random.Random(5)) for _ in range(3)}
    assert len(texts) == 1
