from __future__ import annotations

import pytest

from facevlm.data.cot.weigh import fits, weigh
from facevlm.types import Emotion
from tests.data.cot.faces import face


@pytest.mark.parametrize(
    ("grades", "emotion"),
    [
        ({"AU6": "C", "AU12": "D"}, "happiness"),
        ({"AU1": "C", "AU4": "C", "AU15": "C"}, "sadness"),
        ({"AU1": "C", "AU2": "C", "AU5": "B", "AU26": "C"}, "surprise"),
        ({"AU1": "C", "AU2": "C", "AU4": "C", "AU5": "C", "AU20": "C", "AU25": "C"}, "fear"),
        ({"AU4": "C", "AU5": "C", "AU7": "C", "AU23": "C"}, "anger"),
        ({"AU9": "C", "AU17": "B"}, "disgust"),
        ({"AU14": "LC"}, "contempt"),
    ],
)
def test_a_whole_prototype_is_what_is_met_best(grades: dict[str, str], emotion: Emotion) -> None:
    best = fits(face(**grades))[0]
    assert (best.emotion, best.whole) == (emotion, True)


def test_a_smile_on_one_side_makes_contempt_and_no_whole_happiness() -> None:
    whole = {fit.emotion for fit in fits(face(AU12="RC")) if fit.whole}
    assert whole == {"contempt"}


def test_a_smile_on_both_sides_does_not_speak_for_contempt() -> None:
    weighing = weigh(face(AU12="C"), "contempt")
    assert (weighing.support, weighing.against) == (frozenset(), {12})


def test_strength_decides_between_two_emotions_that_are_both_begun() -> None:
    assert fits(face(AU12="E", AU4="A", AU24="A"))[0].emotion == "happiness"
    assert fits(face(AU12="A", AU4="E", AU24="E"))[0].emotion == "anger"


def test_an_open_mouth_alone_speaks_neither_for_an_emotion_nor_against_it() -> None:
    weighing = weigh(face(AU25="D"), "disgust")
    assert (weighing.support, weighing.against, weighing.relation) == (frozenset(), frozenset(), "unsupported")


def test_what_belongs_to_no_prototype_is_idle() -> None:
    assert weigh(face(AU18="C", AU12="C"), "happiness").idle == {18}


def test_a_compound_is_seen_when_both_of_its_emotions_have_units_of_their_own() -> None:
    compound = weigh(face(AU1="C", AU2="C", AU12="D", AU25="C"), "happiness").compound
    assert compound is not None and compound.name == "happily surprised"


def test_slight_units_of_another_emotion_make_no_compound() -> None:
    assert weigh(face(AU12="D", AU25="C", AU10="C"), "happiness").compound is not None
    assert weigh(face(AU12="D", AU25="C", AU10="B"), "happiness").compound is None


@pytest.mark.parametrize(
    ("grades", "emotion", "relation"),
    [
        ({"AU6": "C", "AU12": "C"}, "happiness", "leads"),
        ({"AU12": "E", "AU4": "A"}, "anger", "trails"),
        ({"AU12": "D"}, "sadness", "unsupported"),
        ({}, "fear", "absent"),
    ],
)
def test_a_label_leads_trails_or_has_no_support(grades: dict[str, str], emotion: Emotion, relation: str) -> None:
    assert weigh(face(**grades), emotion).relation == relation
