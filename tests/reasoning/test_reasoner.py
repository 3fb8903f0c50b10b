from __future__ import annotations

import asyncio

import numpy as np
import pytest

from facevlm import Analysis, FaceReasoner, InputError, ModelError, OutputError
from facevlm.config import Settings
from facevlm.reasoning import reasoner as module

BLANK = np.full((64, 64, 3), 128, np.uint8)


@pytest.fixture
def reasoner(scripted):
    return FaceReasoner(scripted())


def test_a_photograph_becomes_an_analysis(reasoner, astronaut):
    analysis = reasoner.analyze(astronaut)
    (face,) = analysis.faces
    assert face.id == 1
    assert face.explanation.emotion == "happiness"
    assert face.explanation.probabilities["happiness"] == 0.9
    assert face.action_units[12] > 0.5
    assert [check.verdict for check in face.checks] == ["supported"]
    assert (face.faithfulness, face.coverage, face.error) == (1.0, 1.0, None)
    assert (analysis.image.width, analysis.image.height) == (512, 512)


def test_the_json_is_read_back_equal(reasoner, astronaut):
    analysis = reasoner.analyze(astronaut)
    again = Analysis.model_validate_json(analysis.model_dump_json())
    assert again == analysis.model_copy(update={"marked": None})


def test_provenance_says_what_produced_it(reasoner, astronaut):
    provenance = reasoner.analyze(astronaut).provenance
    assert provenance.model == "scripted"
    assert provenance.adapter is None
    assert provenance.prompt.startswith("sov-cot@")
    assert provenance.marks == "landmarks"
    assert 0 < provenance.seconds < 60


def test_a_model_that_asks_by_face_is_shown_one_marked_crop_a_face(scripted, two_faces):
    model = scripted("face")
    analysis = FaceReasoner(model).analyze(two_faces)
    (conversations,) = model.calls
    assert len(conversations) == len(analysis.faces) == 2
    assert [image.size for one in conversations for turn in one.turns for image in turn.images] == [(64, 64)] * 2


def test_a_model_that_asks_by_scene_is_shown_the_whole_marked_picture_once(scripted, two_faces):
    model = scripted("scene")
    analysis = FaceReasoner(model).analyze(two_faces)
    ((conversation,),) = model.calls
    (image,) = [image for turn in conversation.turns for image in turn.images]
    assert image.size == (960, 512)
    assert [face.explanation.context for face in analysis.faces] == ["a studio", "a studio"]


def test_faces_are_numbered_by_area(reasoner, two_faces):
    first, second = reasoner.analyze(two_faces).faces
    assert (first.id, second.id) == (1, 2)
    assert first.box.area > second.box.area


def test_hints_tell_a_model_of_scenes_what_was_measured_and_the_analysis_says_so(scripted, astronaut):
    plain, hinted = scripted("scene"), scripted("scene")
    FaceReasoner(plain).analyze(astronaut)
    analysis = FaceReasoner(hinted, hints=True).analyze(astronaut)
    said = ["\n".join(turn.text for turn in model.calls[0][0].turns) for model in (plain, hinted)]
    hint = next(line for line in said[1].splitlines() if line not in said[0] and line.startswith("Face 1: "))
    measured = analysis.faces[0].action_units
    assert "12 lip corner puller" in hint
    told = {int(each.split()[0]) for each in hint.removeprefix("Face 1: ").removesuffix(".").split(", ")}
    assert told == {code for code, value in measured.items() if value is not None and value >= 0.3}
    assert "+hints" in analysis.provenance.prompt


def test_a_model_that_is_told_everything_takes_no_hints(scripted):
    with pytest.raises(InputError, match="scripted: is told all that was measured anyway; leave --hints out"):
        FaceReasoner(scripted("face"), hints=True)


def test_a_photograph_without_a_face_asks_the_model_nothing(scripted):
    model = scripted()
    analysis = FaceReasoner(model).analyze(BLANK)
    assert analysis.faces == ()
    assert model.calls == []


def test_a_face_whose_answer_fails_carries_the_error_and_the_others_go_on(scripted, answer, two_faces):
    first, second = FaceReasoner(scripted("face", "no idea", answer)).analyze(two_faces).faces
    assert first.explanation is None
    assert "no JSON object" in first.error
    assert (first.checks, first.faithfulness, first.coverage) == ((), None, None)
    assert second.explanation.emotion == "happiness"


def test_a_model_that_fails_on_one_face_leaves_the_others(scripted, answer, two_faces):
    first, second = FaceReasoner(scripted("face", ModelError("down"), answer)).analyze(two_faces).faces
    assert (first.error, second.error) == ("down", None)


def test_a_model_that_fails_on_every_face_is_the_photographs_error(scripted, two_faces):
    with pytest.raises(ModelError, match="down"):
        FaceReasoner(scripted("face", ModelError("down"))).analyze(two_faces)


def test_answers_that_cannot_be_used_are_no_failure_of_the_photograph(scripted, two_faces):
    faces = FaceReasoner(scripted("scene", OutputError("odd"))).analyze(two_faces).faces
    assert [face.error for face in faces] == ["odd", "odd"]


async def test_the_async_call_gives_the_same_analysis(reasoner, astronaut):
    sync = reasoner.analyze(astronaut)
    both = await asyncio.gather(reasoner.aanalyze(astronaut), reasoner.aanalyze(astronaut))
    assert [analysis.faces for analysis in both] == [sync.faces, sync.faces]


def test_many_photographs_come_in_order_and_share_a_call(scripted, astronaut, two_faces):
    model = scripted()
    analyses = list(FaceReasoner(model).analyze_many([two_faces, BLANK, astronaut]))
    assert [len(analysis.faces) for analysis in analyses] == [2, 0, 1]
    assert [len(call) for call in model.calls] == [3]


def test_many_photographs_are_asked_in_batches_of_about_the_size_given(scripted, astronaut):
    model = scripted()
    assert len(list(FaceReasoner(model).analyze_many([astronaut] * 5, batch_size=2))) == 5
    assert [len(call) for call in model.calls] == [2, 2, 1]


def test_large_photographs_make_smaller_batches(scripted, astronaut, monkeypatch):
    monkeypatch.setattr(module, "BATCH_PIXELS", 512 * 512)
    model = scripted()
    list(FaceReasoner(model).analyze_many([astronaut] * 3))
    assert [len(call) for call in model.calls] == [1, 1, 1]


def test_no_photographs_give_no_analyses(reasoner):
    assert list(reasoner.analyze_many([])) == []


def test_a_photograph_that_fails_raises_when_its_turn_comes(reasoner, astronaut):
    results = reasoner.analyze_many([astronaut, b"not a picture", astronaut])
    assert len(next(results).faces) == 1
    with pytest.raises(InputError):
        next(results)


def test_a_photograph_that_fails_can_be_returned_in_its_place(reasoner, astronaut):
    results = list(reasoner.analyze_many([b"not a picture", astronaut], errors="return"))
    assert [type(result) for result in results] == [InputError, Analysis]


def test_a_model_that_fails_is_returned_in_the_place_of_its_photograph(scripted, answer, astronaut):
    model = scripted("face", ModelError("down"), answer)
    results = list(FaceReasoner(model).analyze_many([astronaut, astronaut], errors="return"))
    assert [type(result) for result in results] == [ModelError, Analysis]


def test_many_gives_what_one_by_one_gives(reasoner, astronaut, two_faces):
    alone = [reasoner.analyze(picture).faces for picture in (astronaut, two_faces)]
    assert [analysis.faces for analysis in reasoner.analyze_many([astronaut, two_faces])] == alone


def test_the_limits_of_the_settings_hold(scripted, astronaut):
    with pytest.raises(InputError):
        FaceReasoner(scripted(), settings=Settings(max_pixels=1000)).analyze(astronaut)


@pytest.mark.parametrize("prompt", ["nonsense", "sov-question"])
def test_a_prompt_that_explains_no_faces_is_refused_at_once(scripted, prompt):
    with pytest.raises(InputError, match="sov-cot"):
        FaceReasoner(scripted(), prompt=prompt)


@pytest.mark.parametrize("prompt", ["sov-label", "sov-label-first"])
def test_other_prompts_ask_for_other_fields(scripted, answer, astronaut, prompt):
    told = answer if prompt == "sov-label-first" else {"emotion": "happiness"}
    (face,) = FaceReasoner(scripted("face", told), prompt=prompt).analyze(astronaut).faces
    assert face.explanation.emotion == "happiness"


@pytest.mark.parametrize(
    ("sources", "arguments", "complaint"),
    [
        ("photo.jpg", {}, "put one in a list"),
        ([], {"batch_size": 0}, "batch_size 0: give 1 or more"),
        ([], {"errors": "ignore"}, "errors 'ignore': give 'raise' or 'return'"),
    ],
)
def test_wrong_arguments_are_told_before_a_photograph_is_asked_for(reasoner, sources, arguments, complaint):
    with pytest.raises(InputError, match=complaint):
        reasoner.analyze_many(sources, **arguments)


def test_marks_that_do_not_exist_are_told_before_a_model_is_loaded():
    with pytest.raises(InputError, match="marks 'arrows' do not exist; use one of plain"):
        FaceReasoner("no-such-model", marks="arrows")
