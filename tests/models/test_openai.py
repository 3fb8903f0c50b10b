from __future__ import annotations

import asyncio
import base64
import gc
import io
import json
import math
import socket
import threading
import time

import pytest
from PIL import Image

from facevlm.errors import InputError, ModelError, PrerequisiteError
from facevlm.models import Sampling, wire
from facevlm.models.endpoint import Endpoint
from facevlm.models.openai import IN_FLIGHT, OpenAIModel
from facevlm.types import Conversation, Generation, Turn


def only(answers):
    assert len(answers) == 1
    return answers[0]


def error_of(answers) -> str:
    error = only(answers)
    assert isinstance(error, ModelError)
    assert "\n" not in str(error)
    return str(error)


@pytest.fixture
def model(endpoint):
    return OpenAIModel("big", endpoint.url, timeout=10)


def test_a_picture_travels_as_a_data_url_before_the_text(endpoint, replies, model, conversation):
    endpoint.will(replies["completion"]("{}"))
    model.generate([conversation])
    system, user = endpoint.requests[0]["messages"]
    picture, text = user["content"]
    data = picture["image_url"]["url"].removeprefix("data:image/png;base64,")
    assert system == {"role": "system", "content": "You read faces."}
    assert Image.open(io.BytesIO(base64.b64decode(data))).getpixel((0, 0)) == (255, 165, 0)
    assert text == {"type": "text", "text": "Explain."}


def test_a_large_picture_is_sent_as_a_jpeg_of_at_most_2048_pixels(endpoint, replies, model):
    endpoint.will(replies["completion"]("{}"))
    photograph = Image.effect_noise((3000, 1000), 50).convert("RGB")
    model.generate([Conversation(turns=(Turn(role="user", text="?", images=(photograph,)),))])
    url = endpoint.requests[0]["messages"][0]["content"][0]["image_url"]["url"]
    data = base64.b64decode(url.removeprefix("data:image/jpeg;base64,"))
    assert Image.open(io.BytesIO(data)).size == (2048, 683)
    assert photograph.size == (3000, 1000)


def test_the_answer_is_bound_to_the_schema(endpoint, replies, model, conversation):
    endpoint.will(replies["completion"]("{}"))
    model.generate([conversation], seed=5)
    request = endpoint.requests[0]
    assert request["response_format"]["json_schema"]["schema"] == conversation.answer_schema
    assert request["response_format"]["json_schema"]["strict"] is True
    assert (request["max_tokens"], request["temperature"], request["seed"]) == (99, 0.0, 5)


def test_text_and_usage_come_back(endpoint, replies, model, conversation):
    endpoint.will(replies["completion"]('{"emotion": "fear"}'))
    assert only(model.generate([conversation])) == Generation(
        '{"emotion": "fear"}', usage={"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    )


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_reasoning_is_read_under_either_name(endpoint, replies, model, conversation, field):
    endpoint.will(replies["completion"]("{}", **{field: "the brows are up"}))
    assert only(model.generate([conversation])).reasoning == "the brows are up"


def test_an_answer_all_spent_on_reasoning_is_an_empty_text(endpoint, replies, model, conversation):
    endpoint.will(replies["completion"](None, reasoning="so many thoughts"))
    assert only(model.generate([conversation])).text == ""


def logprobs(*steps):
    return {
        "content": [
            {"token": token, "logprob": math.log(tops.get(token, 1)), "top_logprobs": [
                {"token": top, "logprob": math.log(chance)} for top, chance in tops.items()
            ]}
            for token, tops in steps
        ]
    }  # fmt: skip


def test_log_probabilities_become_those_of_the_eight_emotions(endpoint, replies, model, conversation):
    steps = logprobs(('{"emotion": "', {}), ("fear", {"fear": 0.6, "anger": 0.2, "the": 0.2}), ('"}', {}))
    endpoint.will(replies["completion"]('{"emotion": "fear"}', steps))
    probabilities = only(model.generate([conversation])).probabilities
    assert probabilities == pytest.approx(dict.fromkeys(probabilities, 0) | {"fear": 0.75, "anger": 0.25})


@pytest.mark.parametrize("shape", [None, {}, {"content": None}, {"tokens": ["a"]}, {"content": [{"token": 3}]}, []])
def test_an_endpoint_without_usable_log_probabilities_gives_no_probabilities(
    endpoint, replies, model, conversation, shape
):
    endpoint.will(replies["completion"]('{"emotion": "fear"}', shape))
    assert only(model.generate([conversation])).probabilities is None


def test_an_endpoint_that_refuses_log_probabilities_is_asked_once_more_without(endpoint, replies, model, conversation):
    endpoint.will(replies["refusal"](400, "logprobs are not supported"), replies["completion"]("fine"))
    assert only(model.generate([conversation])).text == "fine"
    assert only(model.generate([conversation])).text == "fine"
    assert ["logprobs" in request for request in endpoint.requests] == [True, False, False]
    assert ["top_logprobs" in request for request in endpoint.requests] == [True, False, False]


def test_the_token_limit_is_given_under_its_newer_name_where_the_older_is_refused(
    endpoint, replies, model, conversation
):
    refused = replies["refusal"](400, "'max_tokens' is not supported, use 'max_completion_tokens'")
    endpoint.will(refused, replies["completion"]("fine"))
    assert only(model.generate([conversation])).text == "fine"
    assert endpoint.requests[1]["max_completion_tokens"] == 99
    assert "max_tokens" not in endpoint.requests[1]


def test_a_request_that_is_refused_for_good_gives_the_servers_words(endpoint, replies, model, conversation):
    endpoint.will(replies["refusal"](400, "this model\nsees no pictures"))
    assert "this model sees no pictures" in error_of(model.generate([conversation]))
    assert len(endpoint.requests) == 2


def test_a_server_that_stumbles_is_asked_again(endpoint, replies, model, conversation):
    endpoint.will(replies["refusal"](500, "oops"), replies["refusal"](503, "busy"), replies["completion"]("fine"))
    assert only(model.generate([conversation])).text == "fine"


def test_a_rate_limit_is_waited_for_as_long_as_it_says(endpoint, replies, model, conversation):
    endpoint.will(replies["refusal"](429, "slow down", **{"Retry-After": "1.2"}), replies["completion"]("fine"))
    started = time.perf_counter()
    assert only(model.generate([conversation])).text == "fine"
    assert time.perf_counter() - started >= 1.2


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "--api-key-env"), (404, "'big'"), (429, "too many requests"), (500, "the server failed"), (418, "refused")],
)
def test_an_error_status_names_the_url_and_the_remedy(endpoint, replies, conversation, status, words):
    endpoint.will(replies["refusal"](status, "no"))
    message = error_of(OpenAIModel("big", endpoint.url, retries=0).generate([conversation]))
    assert message.startswith(endpoint.url)
    assert words in message


@pytest.mark.parametrize(("status", "helps"), [(401, False), (404, False), (413, False), (429, True), (503, True)])
def test_an_error_says_whether_asking_again_may_help(endpoint, replies, conversation, status, helps):
    endpoint.will(replies["refusal"](status, "no"))
    assert only(OpenAIModel("big", endpoint.url, retries=0).generate([conversation])).retry is helps


@pytest.mark.parametrize(("reason", "cut"), [("length", True), ("stop", False), (None, False)])
async def test_an_answer_that_the_limit_ended_is_known_by_its_reason(
    endpoint, replies, model, conversation, reason, cut
):
    whole = replies["completion"]("{")
    whole.body["choices"][0]["finish_reason"] = reason
    endpoint.will(whole)
    assert only(await model.answers([conversation])).cut is cut


async def test_a_stream_that_the_limit_ended_is_known_by_its_reason(endpoint, replies, model, conversation):
    endpoint.will(replies["reply"](body=events({"content": "{"}).replace('"stop"', '"length"')))
    *_, last = [piece async for piece in model.pieces([conversation])]
    assert last.answer.cut


def test_a_web_page_in_place_of_an_answer_is_named_as_such(endpoint, replies, model, conversation):
    endpoint.will(replies["reply"](body="<html>\n<h1>Welcome</h1>" + "x" * 9999))
    message = error_of(model.generate([conversation]))
    assert "<html> <h1>Welcome" in message
    assert "/v1" in message
    assert len(message) < 400


@pytest.mark.parametrize("body", [{}, {"choices": []}, {"choices": [{"message": {"content": 3}}]}, None, [1]])
def test_json_that_is_no_completion_is_an_error(endpoint, replies, model, conversation, body):
    endpoint.will(replies["reply"](body=body))
    assert "not the OpenAI API" in error_of(model.generate([conversation]))


def test_a_slow_endpoint_is_given_up_after_the_timeout(endpoint, replies, conversation):
    endpoint.will(replies["reply"](body={}, delay=1.5))
    started = time.perf_counter()
    message = error_of(OpenAIModel("big", endpoint.url, timeout=0.3).generate([conversation]))
    assert "within 0.3 s" in message
    assert "FACEVLM_TIMEOUT" in message
    assert time.perf_counter() - started < 1


def test_an_endpoint_that_is_down_is_named(conversation):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    message = error_of(OpenAIModel("big", url, retries=1).generate([conversation]))
    assert message.startswith(url)
    assert "start the server" in message


def test_one_failed_conversation_leaves_the_others_their_answers(endpoint, replies, conversation):
    endpoint.will(replies["refusal"](401, "no"), replies["completion"]("fine"))
    answers = OpenAIModel("big", endpoint.url).generate([conversation] * 3)
    assert sorted(type(answer).__name__ for answer in answers) == ["Generation", "Generation", "ModelError"]


def test_no_more_than_sixteen_requests_are_in_flight(endpoint, replies, model, conversation):
    completion = replies["completion"]("fine")
    completion.delay = 0.05
    endpoint.will(completion)
    assert len(model.generate([conversation] * 40)) == 40
    assert 1 < endpoint.most_in_flight <= IN_FLIGHT


async def test_the_sync_call_works_inside_a_running_loop(endpoint, replies, model, conversation):
    endpoint.will(replies["completion"]("fine"))
    assert only(model.generate([conversation])).text == "fine"


async def test_who_gives_up_waiting_frees_the_place(endpoint, replies, conversation):
    endpoint.will(replies["reply"](body={}, delay=20), replies["completion"]("fine"))
    model = OpenAIModel("big", Endpoint(endpoint.url, in_flight=1))
    first = asyncio.create_task(model.answers([conversation]))
    while not endpoint.requests:
        await asyncio.sleep(0.01)
    first.cancel()
    async with asyncio.timeout(10):
        assert only(await model.answers([conversation])).text == "fine"


async def test_an_endpoint_that_is_done_with_leaves_its_connections_to_no_other_loop(endpoint, replies, conversation):
    endpoint.will(replies["completion"]("fine"))
    model = OpenAIModel("big", endpoint.url)
    thread = next(each for each in threading.enumerate() if each.name == f"endpoint {endpoint.url}")
    model.generate([conversation])
    del model
    gc.collect()  # an open client that is collected here makes a task of this loop to close it
    assert asyncio.all_tasks() == {asyncio.current_task()}
    thread.join(10)
    assert not thread.is_alive()


def events(*deltas, **last):
    """A streamed completion: its events as a page of text."""
    chunks = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    done = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    told = [*chunks, done, {"choices": [], "usage": {"total_tokens": 10}}] if last.get("whole", True) else chunks
    return "".join(f"data: {json.dumps(each)}\n\n" for each in told) + "data: [DONE]\n\n"


async def test_pieces_come_as_they_are_written_and_the_answer_last(endpoint, replies, model, conversation):
    endpoint.will(replies["reply"](body=events({"content": '{"a'}, {"reasoning": "hm"}, {"content": '": 1}'})))
    *written, last = [piece async for piece in model.pieces([conversation])]
    assert [(piece.index, piece.text, piece.answer) for piece in written] == [(0, '{"a', None), (0, '": 1}', None)]
    assert last.answer == Generation('{"a": 1}', reasoning="hm", usage={"total_tokens": 10})
    assert endpoint.requests[0]["stream"] is True
    assert endpoint.requests[0]["stream_options"] == {"include_usage": True}


async def test_a_stream_that_ends_early_is_an_error(endpoint, replies, model, conversation):
    endpoint.will(replies["reply"](body=events({"content": "{"}, whole=False)))
    *_, last = [piece async for piece in model.pieces([conversation])]
    assert isinstance(last.answer, ModelError)
    assert "broke off" in str(last.answer)


async def test_an_error_told_in_the_middle_of_a_stream_is_the_answers(endpoint, replies, model, conversation):
    endpoint.will(replies["reply"](body='data: {"error": {"message": "out of memory"}}\n\n'))
    (piece,) = [piece async for piece in model.pieces([conversation])]
    assert "out of memory" in str(piece.answer)


async def test_a_stream_is_asked_for_again_without_what_is_refused(endpoint, replies, model, conversation):
    endpoint.will(
        replies["refusal"](400, "stream_options are not supported"), replies["reply"](body=events({"content": "fine"}))
    )
    *_, last = [piece async for piece in model.pieces([conversation])]
    assert last.answer.text == "fine"
    assert ["stream_options" in request for request in endpoint.requests] == [True, False]


async def test_all_ways_of_sampling_reach_the_endpoint(endpoint, replies, model, conversation):
    endpoint.will(replies["completion"]("fine"))
    sampling = Sampling(temperature=0.5, top_p=0.9, seed=3, max_tokens=50, options={"presence_penalty": 1})
    await model.answers([conversation], sampling)
    sent = endpoint.requests[0]
    assert [sent[name] for name in ("temperature", "top_p", "seed", "max_tokens", "presence_penalty")] == [
        0.5, 0.9, 3, 50, 1,
    ]  # fmt: skip


def test_a_picture_is_encoded_once_as_long_as_it_lives(monkeypatch):
    encoded = []
    monkeypatch.setattr(wire, "_data_url", lambda image: encoded.append(image.size) or "data:")
    urls, picture = wire.DataUrls(), Image.new("RGB", (8, 8))
    assert urls(picture) == urls(picture)
    assert len(encoded) == 1
    del picture
    gc.collect()
    assert urls._urls == {}


def test_a_model_by_face_commits_where_it_first_names_an_emotion(endpoint, replies, conversation):
    text = '{"interpretation":"near fear.","emotion":"anger"}'
    steps = logprobs(
        ('{"interpretation":"near ', {}), ("fear", {"fear": 0.6, "anger": 0.2, "x": 0.2}), ('.","emotion":"', {}),
        ("anger", {"anger": 1.0}), ('"}', {}),
    )  # fmt: skip
    endpoint.will(replies["completion"](text, steps))
    by_face = OpenAIModel("nano", endpoint.url, asks="face", temperature=0.5)
    chances = only(by_face.generate([conversation])).probabilities
    assert chances == pytest.approx(dict.fromkeys(chances, 0) | {"fear": 0.9, "anger": 0.1})


async def test_the_async_call_leaves_the_loop_free(endpoint, replies, model, conversation):
    completion = replies["completion"]("fine")
    completion.delay = 0.3
    endpoint.will(completion)
    pending = asyncio.create_task(model.agenerate([conversation]))
    await asyncio.sleep(0.05)
    assert not pending.done()
    assert only(await pending).text == "fine"


def test_the_adapter_is_asked_for_by_its_own_id(endpoint, replies, conversation):
    endpoint.will(replies["completion"]("fine"))
    OpenAIModel("base", endpoint.url, adapter="faces").generate([conversation])
    assert endpoint.requests[0]["model"] == "faces"


def test_the_key_is_read_from_the_variable_named(endpoint, replies, conversation, monkeypatch):
    monkeypatch.setenv("MY_KEY", "secret")
    endpoint.will(replies["completion"]("fine"))
    OpenAIModel("big", endpoint.url, api_key_env="MY_KEY").generate([conversation])
    assert endpoint.keys == ["Bearer secret"]


def test_a_named_variable_that_is_not_set_is_a_missing_prerequisite():
    with pytest.raises(PrerequisiteError, match="FACEVLM_TEST_NO_SUCH_KEY"):
        OpenAIModel("big", "http://localhost:1/v1", api_key_env="FACEVLM_TEST_NO_SUCH_KEY")


@pytest.mark.parametrize("url", ["localhost:8000/v1", "", "http://", "http://[bad/v1", "ftp://host/v1"])
def test_what_is_not_an_http_url_is_refused(url):
    with pytest.raises(InputError, match="not an endpoint's URL"):
        OpenAIModel("big", url)


def test_the_served_models_are_listed(endpoint, replies, model):
    endpoint.will(replies["reply"](body={"object": "list", "data": [{"id": "a"}, {"id": "b"}]}))
    assert model.served() == ("a", "b")
