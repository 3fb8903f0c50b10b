from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facevlm.errors import OutputError
from facevlm.reasoning.parse import parse_face, parse_scene
from facevlm.types import AU_CODES, EMOTIONS, Explanation, Observation

FIELDS = ("observations", "interpretation", "emotion")

claims = st.fixed_dictionaries(
    {
        "au": st.sampled_from(AU_CODES),
        "intensity": st.sampled_from("ABCDE"),
        "side": st.sampled_from(["both", "left", "right"]),
        "evidence": st.text(max_size=20),
    }
)
answers = st.fixed_dictionaries(
    {
        "observations": st.lists(claims, max_size=4, unique_by=lambda one: one["au"]),
        "interpretation": st.text(max_size=40),
        "emotion": st.sampled_from(EMOTIONS),
    }
)


def scene(*faces):
    return json.dumps({"faces": list(faces)})


@given(answers)
def test_every_answer_the_schema_allows_is_read(answer):
    explanation = parse_face(json.dumps(answer))
    assert explanation.emotion == answer["emotion"]
    assert [claim.au for claim in explanation.observations] == [claim["au"] for claim in answer["observations"]]


@given(answers, st.data())
def test_every_answer_that_is_cut_off_is_named_so(answer, data):
    text = json.dumps(answer, ensure_ascii=data.draw(st.booleans()))
    end = data.draw(st.integers(1, len(text) - 1))
    with pytest.raises(OutputError, match="cut off"):
        parse_face(text[:end])


@given(st.text() | st.text(alphabet='{}[]":,\\ aemotion1'))
def test_any_text_at_all_is_read_or_refused(text):
    try:
        assert isinstance(parse_face(text), Explanation)
    except OutputError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("depth", [50, 100_000])
def test_bottomless_nesting_is_refused(depth):
    with pytest.raises(OutputError):
        parse_face('{"a":' * depth)


def test_the_name_of_an_action_unit_comes_from_facs(answer):
    (observation,) = parse_face(json.dumps(answer)).observations
    assert observation == Observation(
        au=12, name="lip corner puller", intensity="D", side="both", evidence="the lip corners are drawn up"
    )


@pytest.mark.parametrize(
    "wrapping",
    [
        "```json\n{}\n```",
        "Here is what I see:\n{}\nI hope this helps {{maybe}}.",
        "<think>perhaps {{\"emotion\": \"fear\"}}</think>\n{}",
        "it is {{odd}} but {} {}",
    ],
)  # fmt: skip
def test_what_stands_around_the_json_is_passed_over(answer, wrapping):
    assert parse_face(wrapping.format(*[json.dumps(answer)] * 2)).emotion == "happiness"


def test_thinking_without_an_end_is_an_answer_cut_off(answer):
    with pytest.raises(OutputError, match="cut off while the model was thinking"):
        parse_face("<think>perhaps " + json.dumps(answer))


@pytest.mark.parametrize("text", ["", " \n", "<think>nothing</think>"])
def test_an_empty_answer_is_named_so(text):
    with pytest.raises(OutputError, match="empty"):
        parse_face(text)


def test_prose_without_json_is_refused(one_line):
    with pytest.raises(OutputError, match="holds no JSON object") as caught:
        parse_face("She looks\nhappy to me.")
    one_line(caught.value)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("emotion", "joy", "emotion is 'joy'"),
        ("emotion", None, "emotion is None"),
        ("interpretation", 7, "interpretation is 7"),
        ("observations", {}, "observations is {}"),
        ("surplus", 1, "surplus"),
    ],
)
def test_a_value_outside_the_vocabulary_is_named(answer, field, value, words):
    with pytest.raises(OutputError, match=words):
        parse_face(json.dumps(answer | {field: value}))


@pytest.mark.parametrize(
    ("field", "value"), [("au", 3), ("au", "12"), ("au", 12.0), ("au", True), ("intensity", "F"), ("side", "top")]
)
def test_a_claim_outside_the_vocabulary_is_named(answer, field, value):
    answer["observations"][0][field] = value
    with pytest.raises(OutputError, match=rf"observations\.0\.{field}"):
        parse_face(json.dumps(answer))


def test_an_action_unit_claimed_twice_counts_once_as_first_claimed(answer):
    answer["observations"].append(answer["observations"][0] | {"intensity": "A"})
    (observation,) = parse_face(json.dumps(answer)).observations
    assert observation.intensity == "D"


def test_a_field_the_prompt_asked_for_must_be_there(answer):
    del answer["interpretation"]
    with pytest.raises(OutputError, match="lacks interpretation"):
        parse_face(json.dumps(answer))


def test_a_prompt_may_ask_for_the_emotion_alone():
    explanation = parse_face('{"emotion": "fear"}', ["emotion"])
    assert (explanation.emotion, explanation.observations) == ("fear", ())


def test_a_scene_gives_each_face_its_explanation_in_the_order_told(answer):
    told = parse_scene(scene({"id": 2} | answer, {"id": 1} | answer | {"context": "a party"}), [1, 2])
    assert list(told) == [2, 1]
    assert isinstance(told[1], Explanation) and told[1].context == "a party"


@pytest.mark.parametrize("foreign", [3, 0, "1", None, True, 1.0, [1]])
def test_a_face_that_was_not_drawn_spoils_the_whole_answer(answer, foreign):
    with pytest.raises(OutputError, match="those drawn are 1, 2"):
        parse_scene(scene({"id": 1} | answer, {"id": foreign} | answer), [1, 2])


def test_a_face_left_out_is_an_error_of_that_face_alone(answer):
    told = parse_scene(scene({"id": 1} | answer), [1, 2])
    assert isinstance(told[1], Explanation)
    assert "leaves out face 2" in str(told[2])


def test_a_face_told_badly_is_an_error_of_that_face_alone(answer):
    told = parse_scene(scene({"id": 1} | answer, {"id": 2} | answer | {"emotion": "joy"}), [1, 2])
    assert isinstance(told[1], Explanation)
    assert "'joy'" in str(told[2])


def test_a_face_told_twice_is_an_error_of_that_face_alone(answer):
    told = parse_scene(scene({"id": 1} | answer, {"id": 2} | answer, {"id": 2} | answer), [1, 2])
    assert isinstance(told[1], Explanation)
    assert "2 times" in str(told[2])


@pytest.mark.parametrize("text", ["{}", '{"faces": 3}', '{"faces": [3]}', '{"faces": {"1": {}}}'])
def test_a_scene_without_a_list_of_faces_is_refused(text):
    with pytest.raises(OutputError, match="no list of «faces»"):
        parse_scene(text, [1])
