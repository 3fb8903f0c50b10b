from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facevlm import FaceReasoner
from facevlm.errors import InputError
from facevlm.faces import decode
from facevlm.matching.matcher import Matcher
from facevlm.matching.matching import Choice
from facevlm.matching.opinion import model_probabilities, second_opinion
from facevlm.reasoning import report, text
from facevlm.types import EMOTIONS, Analysis, Explanation, FaceAnalysis
from tests.reasoning.conftest import ANSWER, ScriptedModel


@pytest.fixture(scope="module")
def analysis(two_faces: Image.Image) -> Analysis:
    """Two faces: on the first the model is 90 % sure of happiness; the second it could not answer for."""
    return FaceReasoner(ScriptedModel("face", ScriptedModel("face")._usual(None), "no idea")).analyze(two_faces)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def asked(choice: Choice, analysis: Analysis, two_faces: Image.Image) -> Analysis:
    return second_opinion(choice, analysis, decode(two_faces))


def opinion(face: FaceAnalysis):
    assert face.second_opinion is not None
    return face.second_opinion


def test_the_matcher_sees_what_it_sees_without_the_model(
    choice: Choice, asked: Analysis, analysis: Analysis, two_faces: Image.Image
) -> None:
    matcher, faces = choice.matcher, analysis.marked.faces
    likely = choice.probabilities(matcher.faces([matcher.crop(two_faces, face) for face in faces]))
    for face, row in zip(asked.faces, likely, strict=True):
        assert list(opinion(face).alone.probabilities.values()) == pytest.approx(row)
        assert opinion(face).alone.emotion == EMOTIONS[row.argmax()]


def test_both_are_pooled_with_the_weights_of_the_matcher(
    tiny_clip: Path, analysis: Analysis, two_faces: Image.Image
) -> None:
    matcher = Matcher(str(tiny_clip))
    matcher.facts["fusion"] = {"model": 0.8, "matcher": 2.0}
    told = opinion(second_opinion(Choice(matcher, EMOTIONS), analysis, decode(two_faces)).faces[0])
    p_model = np.array([0.1, 0.9] + [1e-6] * 6)
    product = p_model**0.8 * np.array(list(told.alone.probabilities.values())) ** 2.0
    assert list(told.together.probabilities.values()) == pytest.approx(product / product.sum(), rel=1e-4)


def test_a_matcher_without_weights_for_fusing_counts_half(asked: Analysis) -> None:
    told = opinion(asked.faces[0])
    product = np.array([0.1, 0.9] + [1e-6] * 6) * np.sqrt(list(told.alone.probabilities.values()))
    assert list(told.together.probabilities.values()) == pytest.approx(product / product.sum(), rel=1e-4)


def test_disagreement_is_the_divergence_in_bits(asked: Analysis) -> None:
    told = opinion(asked.faces[0])
    p, q = np.array([0.1, 0.9] + [0.0] * 6), np.array(list(told.alone.probabilities.values()))
    m = (p + q) / 2
    by_hand = 0.5 * (p[:2] * np.log2(p[:2] / m[:2])).sum() + 0.5 * (q * np.log2(q / m)).sum()
    assert told.disagreement == pytest.approx(by_hand, rel=1e-4)
    assert told.differs == (told.alone.emotion != "happiness")


def test_a_face_the_model_could_not_answer_for_has_the_matchers_reading_alone(asked: Analysis) -> None:
    told = opinion(asked.faces[1])
    assert asked.faces[1].explanation is None and sum(told.alone.probabilities.values()) == pytest.approx(1)
    assert (told.together, told.disagreement, told.differs) == (None, None, None)


def test_a_model_that_gives_no_probabilities_counts_as_nine_tenths_sure() -> None:
    told = Explanation(observations=(), interpretation="", emotion="anger")
    likely = dict(zip(EMOTIONS, model_probabilities(told), strict=True))
    assert (
        likely["anger"] == 0.9 and likely["fear"] == pytest.approx(0.1 / 7) and sum(likely.values()) == pytest.approx(1)
    )


def test_the_explanation_stays_the_models_own(asked: Analysis, analysis: Analysis) -> None:
    assert [face.explanation for face in asked.faces] == [face.explanation for face in analysis.faces]


def test_the_json_holds_an_opinion_only_where_one_was_asked(asked: Analysis, analysis: Analysis) -> None:
    assert "second_opinion" not in analysis.model_dump_json()
    told = json.loads(asked.model_dump_json())["faces"][0]["second_opinion"]
    assert set(told) == {"matcher", "alone", "together", "disagreement", "differs", "fits_none"}
    assert Analysis.model_validate_json(asked.model_dump_json()).faces == asked.faces


def test_an_analysis_read_from_json_is_refused(choice: Choice, analysis: Analysis, two_faces: Image.Image) -> None:
    with pytest.raises(InputError, match="holds no landmarks; analyse the photograph again"):
        second_opinion(choice, Analysis.model_validate_json(analysis.model_dump_json()), decode(two_faces))


@pytest.mark.parametrize("differs", [True, False])
def test_every_report_says_what_the_matcher_sees(asked: Analysis, differs: bool) -> None:
    face = asked.faces[0]
    told = face.model_copy(update={"second_opinion": opinion(face).model_copy(update={"differs": differs})})
    shown = asked.model_copy(update={"faces": (told, asked.faces[1])})
    end = "they disagree" if differs else "they agree"
    for form in (report.markdown(shown), report.html(shown), report.rows(shown)[0][3]):
        assert f"The matcher sees {opinion(face).alone.emotion}" in form and end in form
    assert report.rows(shown)[1][3].startswith("The matcher sees")


def test_a_report_without_an_opinion_says_nothing_of_it(analysis: Analysis) -> None:
    assert "matcher" not in report.markdown(analysis) + report.html(analysis)


def test_answers_of_the_scripted_model_are_as_these_tests_say(analysis: Analysis) -> None:
    assert analysis.faces[0].explanation.emotion == ANSWER["emotion"]
    assert model_probabilities(analysis.faces[0].explanation)[:2] == [0.1, 0.9]


def test_a_face_may_fit_none_of_the_emotions_by_the_rule_the_matcher_brings(
    tiny_clip: Path, analysis: Analysis, asked: Analysis, two_faces: Image.Image
) -> None:
    assert opinion(asked.faces[0]).fits_none is None
    matcher, told = Matcher(str(tiny_clip)), {}
    for threshold in (-1e9, 1e9):
        spreads = {"energy": {"mean": 0.0, "deviation": 1.0}}
        matcher.facts["unseen"] = {"spreads": spreads, "threshold": threshold}
        told[threshold] = second_opinion(Choice(matcher, EMOTIONS), analysis, decode(two_faces))
    assert all(opinion(face).fits_none is True for face in told[-1e9].faces)
    assert all(opinion(face).fits_none is False for face in told[1e9].faces)
    assert "fits none well" in text.second_opinion(told[-1e9].faces[0])
