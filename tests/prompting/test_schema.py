from __future__ import annotations

import re

import pytest

from facevlm.prompting import answer_schema, load
from facevlm.prompting.schema import EVIDENCE_LENGTH, INTERPRETATION_LENGTH, MOST_OBSERVATIONS
from facevlm.types import AU_CODES, EMOTIONS


def test_one_face_is_answered_by_a_bare_object_in_the_prompts_order() -> None:
    schema = answer_schema(load("sov-label-first", "face"), None)
    assert next(iter(schema["properties"])) == "emotion"
    assert list(schema["properties"]) == list(load("sov-label-first", "face").answer)


def test_a_scene_is_answered_by_one_entry_for_each_number_drawn() -> None:
    faces = answer_schema(load("sov-cot", "scene"), (1, 2, 3))["properties"]["faces"]
    assert faces["minItems"] == faces["maxItems"] == 3
    assert faces["items"]["properties"]["id"]["enum"] == [1, 2, 3]
    assert next(iter(faces["items"]["properties"])) == "id"


def test_an_observation_is_unit_intensity_side_and_evidence() -> None:
    scene = answer_schema(load("sov-cot", "scene"), (1,))["properties"]["faces"]["items"]
    observations = scene["properties"]["observations"]
    assert observations["maxItems"] == 8
    properties = observations["items"]["properties"]
    assert list(properties) == ["au", "intensity", "side", "evidence"]
    assert properties["au"]["enum"] == list(AU_CODES)
    assert properties["intensity"]["enum"] == ["A", "B", "C", "D", "E"]
    assert properties["side"]["enum"] == ["both", "left", "right"]
    assert properties["evidence"]["maxLength"] == 80


def test_the_emotion_is_one_of_the_eight() -> None:
    assert answer_schema(load("sov-label", "face"), None)["properties"]["emotion"]["enum"] == list(EMOTIONS)


def test_a_scene_has_more_to_say_than_a_face() -> None:
    scene = answer_schema(load("sov-cot", "scene"), (1,))["properties"]["faces"]["items"]["properties"]
    face = answer_schema(load("sov-cot", "face"), None)["properties"]
    assert scene["interpretation"]["maxLength"] == 600
    assert scene["context"]["maxLength"] == 300
    assert face["observations"]["maxItems"] < scene["observations"]["maxItems"]
    assert "context" not in face


@pytest.mark.parametrize(("length", "fits"), [(0, True), (200, True), (201, False)])
def test_a_small_models_text_is_counted_in_plain_characters(length: int, fits: bool) -> None:
    pattern = answer_schema(load("sov-cot", "face"), None)["properties"]["interpretation"]["pattern"]
    assert bool(re.search(pattern, "a" * length)) is fits
    assert not re.search(pattern, "a\nb")
    assert not re.search(pattern, 'a"')


def test_a_small_models_longest_answer_fits_the_tokens_it_is_allowed() -> None:
    prompt = load("sov-cot", "face")
    unit = 4 + EVIDENCE_LENGTH["face"] + 6  # one token a fragment or word, at worst one a character of free text
    assert MOST_OBSERVATIONS["face"] * unit + INTERPRETATION_LENGTH["face"] + 10 <= prompt.max_tokens


def test_a_question_has_one_answer_for_the_whole_picture() -> None:
    schema = answer_schema(load("sov-question", "scene"), (1, 2))
    assert schema["properties"] == {"answer": {"type": "string", "maxLength": 800}}


def test_every_object_is_closed_and_complete() -> None:
    schema = answer_schema(load("sov-cot", "scene"), (1,))
    face = schema["properties"]["faces"]["items"]
    for part in (schema, face, face["properties"]["observations"]["items"]):
        assert part["additionalProperties"] is False
        assert part["required"] == list(part["properties"])
