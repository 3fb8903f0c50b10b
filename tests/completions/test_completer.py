from __future__ import annotations

import json

import pytest

from facevlm.completions import ChatRequest, Limits, NotServed
from facevlm.errors import InputError, ModelError
from facevlm.types import Generation, MarkedImage
from tests.completions.conftest import FACE, USAGE, assistant, user


def text_of(reply) -> str:
    return reply.choices[0].message.content


async def streamed(completer, request):
    return [chunk async for chunk in completer.stream(request)]


def said(chunks) -> str:
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


async def test_a_picture_without_words_is_explained(completer, face_model, asking, portrait):
    reply = await completer(face_model).complete(asking(portrait))
    text = text_of(reply)
    assert text.startswith("## Face 1\n\n- AU12 lip corner puller, severe: the lip corners are drawn up (✓ supported")
    assert text.index("Typical of happiness.") < text.index("Expression: **happiness**")
    assert "Face 1: happiness 90%; faithfulness 100%, coverage 100%" in text
    assert "identifies no one" in text
    assert len(face_model.asked) == 1


async def test_a_reply_has_openais_shape_and_the_analysis(completer, face_model, asking, portrait):
    reply = await completer(face_model).complete(asking(portrait, model="scripted"))
    assert (reply.object, reply.model) == ("chat.completion", "scripted")
    assert reply.id.startswith("chatcmpl-")
    assert reply.created > 1_700_000_000
    assert reply.choices[0].finish_reason == "stop"
    assert reply.facevlm.faces[0].explanation.emotion == "happiness"
    assert reply.analyses is None


async def test_the_users_words_are_answered_before_the_explanation(completer, face_model, asking, portrait):
    reply = await completer(face_model).complete(asking(portrait, "What does she show?"))
    assert text_of(reply).startswith("The face shows AU 12 (lip corner puller).\n\n## Face 1")
    question, explanation = face_model.asked
    assert "answer: What does she show?" in question.turns[-1].text
    assert "explain" in explanation.turns[-1].text
    assert question.turns[-1].images == explanation.turns[-1].images


async def test_what_a_small_model_says_and_the_measurement_denies_is_replaced(completer, face_model, asking, portrait):
    face_model.says = "AU 4 (brow lowerer) and AU 43 (eyes closed) are there."
    text = text_of(await completer(face_model).complete(asking("What does she show?", portrait)))
    assert text.startswith("Seen on this face are AU ")
    assert "AU 12 (lip corner puller, 0." in text
    assert "AU 4" not in text


async def test_whether_an_action_unit_is_there_is_answered_from_the_measurement(
    completer, face_model, asking, portrait
):
    answering, texts = completer(face_model), []
    for question in ("Is AU 12 there?", "Is AU 43 there?", "Is AU 99 there?"):
        texts.append(text_of(await answering.complete(asking(question, portrait))))
    assert [text.split()[0] for text in texts] == ["Yes,", "No,", "AU"]
    assert all("explain" in each.turns[-1].text for each in face_model.asked)


async def test_a_small_models_failure_on_the_question_is_told(completer, face_model, asking, portrait):
    face_model.unheard = "answer"
    text = text_of(await completer(face_model).complete(asking("What does she show?", portrait)))
    assert text.startswith("No answer: the model failed.\n\n## Face 1")


async def test_each_of_several_faces_answers_for_itself(completer, face_model, asking, pair):
    text = text_of(await completer(face_model).complete(asking("What do they show?", pair)))
    assert text.startswith("Face 1: The face shows AU 12 (lip corner puller).\n\nFace 2: The face")
    assert text.index("Face 2: The face") < text.index("## Face 1") < text.index("## Face 2")


async def test_words_of_white_space_alone_ask_nothing(completer, face_model, asking, portrait):
    await completer(face_model).complete(asking("  \n", portrait))
    assert len(face_model.asked) == 1


async def test_what_an_action_unit_is_is_said_once_of_several_faces(completer, face_model, asking, pair):
    text = text_of(await completer(face_model).complete(asking("What is AU 4?", pair)))
    assert text.startswith("AU 4 is the brow lowerer") and text.count("brow lowerer") == 1


async def test_a_model_that_asks_by_scene_is_shown_the_marked_picture_for_both(completer, scene_model, asking, pair):
    text = text_of(await completer(scene_model).complete(asking("Who smiles?", pair)))
    question, explanation = scene_model.asked
    assert question.turns[-1].images == explanation.turns[-1].images
    assert question.turns[-1].images[0].size == (480, 256)
    assert text.index("Yes") < text.index("## Face 1") < text.index("a studio") < text.index("## Face 2")


async def test_several_pictures_are_told_in_order_and_have_an_analysis_each(
    completer, face_model, asking, portrait, pair
):
    reply = await completer(face_model).complete(asking(portrait, pair))
    assert text_of(reply).index("# Picture 1") < text_of(reply).index("# Picture 2")
    assert [len(analysis.faces) for analysis in reply.analyses] == [1, 2]
    assert reply.facevlm == reply.analyses[1]


async def test_a_follow_up_is_about_the_conversations_last_picture(completer, scene_model, portrait, pair):
    messages = [user(pair), assistant("Two."), user("Why?", portrait), assistant("So."), user("Is AU 12 there?")]
    reply = await completer(scene_model).complete(ChatRequest(messages=messages))
    assert len(reply.facevlm.faces) == 1
    roles = [turn.role for turn in scene_model.asked[0].turns]
    assert roles == ["system", "assistant", "user", "assistant", "user"]
    assert "Why?" in scene_model.asked[0].turns[2].text
    assert scene_model.asked[0].turns[-1].text == "Is AU 12 there?"


async def test_the_marked_picture_of_a_conversation_is_the_same_at_every_turn(completer, scene_model, portrait):
    answering = completer(scene_model)
    first = [user("Who smiles?", portrait)]
    await answering.complete(ChatRequest(messages=first))
    await answering.complete(ChatRequest(messages=[*first, assistant("Face 1."), user("Why?")]))
    before, after = scene_model.asked[0].turns, scene_model.asked[2].turns
    assert after[: len(before)] == before
    assert after[1].images[0] is before[1].images[0]


async def test_no_face_is_said_and_a_model_by_face_is_asked_nothing(completer, face_model, asking, blank):
    reply = await completer(face_model).complete(asking("Who smiles?", blank))
    assert text_of(reply).startswith("No face was found.")
    assert reply.facevlm.faces == ()
    assert face_model.asked == []


async def test_json_object_is_the_analysis(completer, face_model, asking, portrait):
    reply = await completer(face_model).complete(asking(portrait, response_format={"type": "json_object"}))
    assert json.loads(text_of(reply)) == json.loads(reply.facevlm.model_dump_json())


async def test_json_object_of_several_pictures_is_a_list_of_analyses(completer, face_model, asking, portrait, pair):
    reply = await completer(face_model).complete(asking(portrait, pair, response_format={"type": "json_object"}))
    assert [len(each["faces"]) for each in json.loads(text_of(reply))["analyses"]] == [1, 2]


def own_schema(name: str = "smiles") -> dict:
    schema = {"type": "object", "properties": {"smile": {"type": "boolean"}}}
    return {"type": "json_schema", "json_schema": {"name": name, "schema": schema}}


@pytest.mark.parametrize("name", ["analysis", "FaceVLM_analysis"])
async def test_a_schema_of_the_analysis_name_is_the_analysis(completer, face_model, asking, portrait, name):
    reply = await completer(face_model).complete(asking(portrait, response_format=own_schema(name)))
    assert json.loads(text_of(reply))["schema_version"] == "1"


async def test_a_schema_of_ones_own_binds_the_answer(completer, scene_model, asking, pair):
    reply = await completer(scene_model).complete(asking(pair, response_format=own_schema()))
    assert text_of(reply) == '{"smile": true}'
    assert len(reply.facevlm.faces) == 2
    question = scene_model.asked[0]
    assert question.answer_schema == own_schema()["json_schema"]["schema"]
    assert '"smile"' in question.turns[-1].text


async def test_a_model_by_face_writes_no_schema_of_ones_own(completer, face_model, asking, portrait):
    with pytest.raises(InputError, match="scripted writes no schema of yours; use json_object"):
        await completer(face_model).complete(asking(portrait, response_format=own_schema()))


async def test_a_model_that_fails_on_the_schema_fails_the_request(completer, scene_model, asking, portrait):
    scene_model.unheard = "smile"
    answering, request = completer(scene_model), asking(portrait, response_format=own_schema())
    with pytest.raises(ModelError):
        await answering.complete(request)
    with pytest.raises(ModelError):
        await streamed(answering, request)


async def test_a_schema_of_ones_own_is_for_one_picture(completer, scene_model, asking, portrait, pair):
    with pytest.raises(InputError, match="send one"):
        await completer(scene_model).complete(asking(portrait, pair, response_format=own_schema()))


@pytest.mark.parametrize("form", [None, {"type": "json_object"}, own_schema()])
@pytest.mark.parametrize("size", [1, 9, 10_000])
async def test_a_stream_says_what_the_whole_reply_says(completer, scene_model, asking, pair, form, size):
    scene_model.size = size
    answering = completer(scene_model)
    request = asking("Who smiles?", pair, response_format=form)
    whole, chunks = await answering.complete(request), await streamed(answering, request)
    if form != {"type": "json_object"}:  # which tells the seconds
        assert said(chunks) == text_of(whole)
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices] == [None] * (len(chunks) - 1) + [
        "stop"
    ]


async def test_the_analysis_comes_with_the_last_chunk_and_the_role_with_the_first(
    completer, face_model, asking, portrait
):
    chunks = await streamed(completer(face_model), asking(portrait))
    assert [chunk.facevlm is not None for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert [chunk.choices[0].delta.role for chunk in chunks] == ["assistant"] + [None] * (len(chunks) - 1)
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1


async def test_a_stream_tells_the_usage_where_it_is_wanted(completer, face_model, asking, pair):
    chunks = await streamed(completer(face_model), asking(pair, stream_options={"include_usage": True}))
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens == 20


async def test_usage_is_summed_over_all_that_was_asked(completer, face_model, asking, pair):
    usage = (await completer(face_model).complete(asking("Why?", pair))).usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (28, 12, 40)


async def test_an_answer_cut_off_by_the_limit_is_told_as_such(completer, face_model, asking, portrait):
    face_model.error = Generation(json.dumps(FACE)[:60], cut=True)
    answering = completer(face_model)
    reply = await answering.complete(asking(portrait))
    assert reply.choices[0].finish_reason == "length"
    assert "cut off" in text_of(reply)
    assert (await streamed(answering, asking(portrait)))[-1].choices[0].finish_reason == "length"


async def test_an_answer_that_ends_with_its_last_token_allowed_is_whole(completer, face_model, asking, portrait):
    reply = await completer(face_model).complete(asking(portrait, max_tokens=USAGE["completion_tokens"]))
    assert reply.choices[0].finish_reason == "stop"


async def test_words_alone_that_are_cut_off_are_told_as_such(completer, scene_model, asking):
    scene_model.error = Generation("Good mor", cut=True)
    answering = completer(scene_model)
    assert (await answering.complete(asking("Good morning."))).choices[0].finish_reason == "length"
    ends = [choice.finish_reason for chunk in await streamed(answering, asking("Hello")) for choice in chunk.choices]
    assert ends[-1] == "length"


async def test_sampling_reaches_the_model(completer, face_model, asking, portrait):
    given = {"temperature": 0.7, "top_p": 0.9, "seed": 5, "max_completion_tokens": 99, "presence_penalty": 0.5}
    await completer(face_model).complete(asking(portrait, **given))
    (sampling,) = face_model.sampled
    assert (sampling.temperature, sampling.top_p, sampling.seed, sampling.max_tokens) == (0.7, 0.9, 5, 99)
    assert sampling.options == {"presence_penalty": 0.5}


async def test_prompt_and_marks_are_chosen_in_the_body(completer, face_model, asking, portrait):
    chosen = {"prompt": "sov-label-first", "marks": "plain"}
    provenance = (await completer(face_model).complete(asking(portrait, facevlm=chosen))).facevlm.provenance
    assert provenance.prompt.startswith("sov-label-first@")
    assert provenance.marks == "plain"


async def test_little_detail_leaves_the_evidence_out_and_much_adds_what_was_measured(
    completer, face_model, asking, portrait
):
    answering = completer(face_model)
    low, normal, high = [
        text_of(await answering.complete(asking(portrait, facevlm={"detail": detail})))
        for detail in ("low", "normal", "high")
    ]
    assert "drawn up" not in low
    assert "drawn up" in normal and "| AU1 " not in normal
    assert "| AU1 inner brow raiser |" in high


async def test_an_unknown_model_is_told_with_those_there_are(completer, face_model, asking, portrait):
    with pytest.raises(NotServed, match="gpt-9: no such model here; use facevlm, scripted"):
        await completer(face_model).complete(asking(portrait, model="gpt-9"))


async def test_an_unknown_prompt_is_refused(completer, face_model, asking, portrait):
    with pytest.raises(InputError, match="sov-cot"):
        await completer(face_model).complete(asking(portrait, facevlm={"prompt": "nonsense"}))


async def test_a_model_that_fails_on_everything_fails_the_request_before_anything_is_said(
    completer, face_model, asking, pair
):
    face_model.error = ModelError("http://secret:8001 is down")
    answering = completer(face_model)
    with pytest.raises(ModelError):
        await answering.complete(asking(pair))
    with pytest.raises(ModelError):
        await anext(answering.stream(asking(pair)))


async def test_closing_a_stream_stops_the_model(completer, face_model, asking, portrait):
    chunks = completer(face_model).stream(asking(portrait))
    await anext(chunks)
    assert not face_model.stopped
    await chunks.aclose()
    assert face_model.stopped


async def test_what_a_model_writes_adds_no_markup(completer, face_model, asking, portrait):
    face_model.error = Generation(json.dumps(FACE | {"interpretation": "<script> # [a](b)"}))
    text = text_of(await completer(face_model).complete(asking(portrait)))
    assert "\\<script\\> \\# \\[a\\](b)" in text


async def test_a_file_is_analysed_by_the_default_model(completer, face_model, astronaut):
    analysis = await completer(face_model).analyze(astronaut.read_bytes())
    assert analysis.faces[0].explanation.emotion == "happiness"
    assert isinstance(analysis.marked, MarkedImage)


async def test_the_stages_are_timed(completer, face_model, asking, portrait):
    told: list[str] = []
    answering = completer(face_model, watch=lambda stage, seconds: told.append(stage))
    await answering.complete(asking(portrait))
    await answering.complete(asking(portrait))
    assert told == ["find", "mark", "generate", "generate"]


async def test_a_picture_with_too_many_faces_is_refused(completer, face_model, asking, pair):
    with pytest.raises(InputError, match="2 faces are more than 1"):
        await completer(face_model, limits=Limits(faces=1)).complete(asking(pair))


async def test_a_question_too_long_for_the_model_is_refused(completer, face_model, asking, portrait):
    with pytest.raises(InputError, match="more than 400 bytes"):
        await completer(face_model).complete(asking("why " * 101, portrait))
