from __future__ import annotations

import pytest
from pydantic import ValidationError

from facevlm.completions import ChatRequest, Limits
from facevlm.completions.reading import read
from facevlm.errors import InputError
from tests.completions.conftest import assistant, user

A, B = "data:a", "data:b"


def asked(*messages, limits: Limits | None = None, **body):
    return read(ChatRequest.model_validate({"messages": messages, **body}), limits or Limits())


@pytest.mark.parametrize("parts", [(A, "Why?"), ("Why?", A), ("Why", A, "?")])
def test_a_picture_may_stand_anywhere_among_the_words(parts):
    found = asked(user(*parts))
    assert found.urls == (A,)
    assert found.dialogue.question.replace("\n", "") == "Why?"


def test_the_url_of_a_picture_may_stand_by_itself():
    assert asked({"role": "user", "content": [{"type": "image_url", "image_url": A}]}).urls == (A,)


def test_the_content_of_a_message_may_be_plain_text():
    found = asked(user(A), assistant("Face 1."), {"role": "user", "content": "Why?"})
    assert (found.urls, found.dialogue.question) == ((A,), "Why?")


def test_all_pictures_of_the_last_message_that_has_any_are_taken():
    assert asked(user(A), assistant("Yes."), user(B, A), assistant("No."), user("Why?")).urls == (B, A)


def test_messages_that_follow_each_other_count_as_one():
    found = asked(user("Who smiles?"), user(A), user(B))
    assert (found.urls, found.dialogue.question) == ((A, B), "Who smiles?")


def test_a_conversation_without_a_picture_is_not_about_faces():
    assert asked(user("Hi"), assistant("Hello."), user("Why?")) is None


def test_a_picture_without_words_asks_nothing():
    assert asked(user(A)).dialogue is None


def test_a_question_with_its_picture_has_nothing_after_it():
    dialogue = asked(user("Hi"), assistant("Send one."), user(A, "Why?")).dialogue
    assert [turn.text for turn in dialogue.before] == ["Hi", "Send one."]
    assert (dialogue.beside, dialogue.after) == ("", ())


def test_a_follow_up_keeps_what_was_said_since_the_picture():
    dialogue = asked(user("Who?", A), assistant("Face 1."), user("Why?")).dialogue
    assert dialogue.beside == "Who?"
    assert [turn.text for turn in dialogue.after] == ["Face 1.", "Why?"]


@pytest.mark.parametrize("role", ["system", "developer"])
def test_instructions_are_kept_apart(role):
    dialogue = asked({"role": role, "content": "Answer in French."}, user(A, "Why?")).dialogue
    assert dialogue.instructions == "Answer in French."
    assert dialogue.before == ()


def test_a_conversation_that_ends_with_the_assistant_asks_nothing_that_can_be_answered():
    with pytest.raises(InputError, match="last one is not the user's"):
        asked(user(A), assistant("Face 1."))


def test_a_picture_in_another_message_than_the_users_is_refused():
    with pytest.raises(InputError, match="not the user's"):
        asked(user(A) | {"role": "assistant"}, user("Why?"))


@pytest.mark.parametrize(
    ("limits", "words"),
    [({"messages": 1}, "3 messages"), ({"pictures": 1}, "2 pictures"), ({"characters": 10}, "11 characters")],
)
def test_what_exceeds_a_limit_is_refused_in_one_line(limits, words):
    with pytest.raises(InputError, match=words) as caught:
        asked(user(A, B), assistant("Face 1."), user("Why?"), limits=Limits(**limits))
    assert "\n" not in str(caught.value)


def nested(deep):
    """A schema of so many levels."""
    schema = {}
    for _ in range(deep):
        schema = {"properties": {"a": schema}}
    return schema


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "banana"}, r"schema\.type: .banana. is not valid"),
        ({"properties": {"a": {"$ref": "#/nope"}}}, r"schema: Pointer '/nope' does not exist"),
        ({"items": {"pattern": "("}}, r"schema\.items\.pattern: .*is not a .regex"),
        ({"anyOf": {"type": "string"}}, r"schema\.anyOf: .*is not of type .array"),
        ({"required": "a"}, r"schema\.required: .a. is not of type .array"),
        (nested(300), "Recursion limit"),
    ],
)
def test_a_schema_that_is_none_is_refused_by_its_place(schema, words):
    form = {"type": "json_schema", "json_schema": {"name": "mine", "schema": schema}}
    with pytest.raises(InputError, match=words):
        asked(user(A), response_format=form)


def test_what_schemas_may_hold_is_taken():
    schema = {
        "type": ["object", "null"],
        "properties": {"a": {"$ref": "#/$defs/name"}, "b": {"type": "array", "items": [True, {"enum": [1]}]}},
        "$defs": {"name": {"type": "string", "pattern": r"^(?<first>\p{L}+)$"}},
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "mine", "schema": schema}}
    assert asked(user(A), response_format=form).dialogue.answer_schema == schema


@pytest.mark.parametrize("part", [{"type": "video_url", "video_url": {"url": A}}, {"type": "image_url"}, {"text": "x"}])
def test_other_parts_than_words_and_pictures_are_refused(part):
    with pytest.raises(ValidationError):
        asked({"role": "user", "content": [part]})


def test_fields_that_are_not_known_are_taken():
    assert ChatRequest.model_validate({"messages": [user("Hi")], "metadata": {}}).model_extra == {"metadata": {}}


@pytest.mark.parametrize("body", [{"n": 2}, {"temperature": 3}, {"top_p": 0}, {"seed": 2**63}, {"messages": []}])
def test_values_out_of_range_are_refused(body):
    with pytest.raises(ValidationError):
        ChatRequest.model_validate({"messages": [user("Hi")], **body})
