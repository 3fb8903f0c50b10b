from __future__ import annotations

import json

import pytest

from facevlm.errors import ModelError, OutputError
from facevlm.reasoning.told import told
from facevlm.types import EMOTIONS, Explanation, Generation

FIELDS = ("observations", "interpretation", "emotion")


def chances(**known: float):
    return {emotion: known.get(emotion, 0.0) for emotion in EMOTIONS}


def of_face(answer, probabilities):
    (one,) = told([Generation(json.dumps(answer), probabilities)], [1], FIELDS, "face").values()
    return one


@pytest.mark.parametrize(
    ("probabilities", "uncertain"),
    [
        (chances(happiness=0.9, neutral=0.1), False),
        (chances(happiness=0.49, neutral=0.2, fear=0.31), True),
        (chances(happiness=0.52, neutral=0.48), True),
        (chances(happiness=0.55, neutral=0.45), False),
        (None, False),
    ],
)
def test_an_emotion_is_uncertain_when_no_one_stands_out(answer, probabilities, uncertain):
    assert of_face(answer, probabilities).uncertain is uncertain


def test_the_emotion_is_the_one_the_text_names(answer):
    one = of_face(answer, chances(fear=0.8, happiness=0.2))
    assert one.emotion == "happiness"
    assert one.probabilities["fear"] == 0.8


def test_a_model_error_is_told_of_its_face_alone(answer):
    first, second = told([ModelError("down"), Generation(json.dumps(answer))], [1, 2], FIELDS, "face").values()
    assert isinstance(first, ModelError)
    assert isinstance(second, Explanation)


def scene(answer, ids, commitments):
    text = json.dumps({"faces": [{"id": face_id} | answer for face_id in ids]})
    return told([Generation(text, commitments=commitments)], [1, 2], FIELDS, "scene")


def test_each_face_of_a_scene_has_the_probabilities_of_its_own_place(answer):
    faces = scene(answer, [2, 1], (chances(fear=1.0), chances(anger=1.0)))
    assert faces[2].probabilities["fear"] == 1.0
    assert faces[1].probabilities["anger"] == 1.0


def test_probabilities_that_cannot_be_told_apart_belong_to_no_face(answer):
    faces = scene(answer, [2], (chances(fear=1.0),))
    assert faces[2].probabilities is None
    assert isinstance(faces[1], OutputError)


def test_an_unusable_scene_answer_is_told_of_every_face():
    faces = told([Generation("I see two happy people.")], [1, 2], FIELDS, "scene")
    assert [type(one) for one in faces.values()] == [OutputError, OutputError]


@pytest.mark.parametrize("asks", ["face", "scene"])
def test_no_faces_need_no_answer(asks):
    assert told([], [], FIELDS, asks) == {}
