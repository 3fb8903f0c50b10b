from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facevlm import FaceReasoner
from facevlm.errors import InputError
from facevlm.matching import text
from facevlm.matching.labels import embedded, labels, shown
from facevlm.matching.matcher import Matcher
from facevlm.matching.matching import Choice, Match, match
from tests.reasoning.conftest import ScriptedModel

NAMES = ("happiness", "a frown", "mouth wide open")


@pytest.fixture(scope="module")
def found(matcher: Matcher, two_faces: Image.Image) -> Match:
    return match(matcher, two_faces, NAMES, each=True)


def test_faces_have_the_numbers_and_boxes_of_an_analysis(found: Match, two_faces: Image.Image) -> None:
    analysed = FaceReasoner(ScriptedModel()).analyze(two_faces)
    assert [(face.id, face.box) for face in found.faces] == [(face.id, face.box) for face in analysed.faces]
    assert found.image == analysed.image


def test_probabilities_are_over_the_labels_and_sum_to_one(found: Match) -> None:
    for face in found.faces:
        assert tuple(face.labels) == NAMES and sum(face.labels.values()) == pytest.approx(1)


def test_probabilities_are_the_softmax_of_scaled_cosines(matcher: Matcher, crops: list[Image.Image]) -> None:
    faces = matcher.faces(crops)
    powers = np.exp(matcher.scale * faces @ embedded(matcher, labels(NAMES)).T)
    np.testing.assert_allclose(
        Choice(matcher, NAMES).probabilities(faces), powers / powers.sum(1, keepdims=True), rtol=1e-4
    )


def test_the_temperature_of_the_matcher_flattens_probabilities(tiny_clip: Path, crops: list[Image.Image]) -> None:
    cool, warm = Matcher(str(tiny_clip)), Matcher(str(tiny_clip))
    warm.facts["temperature"] = 4.0
    faces = cool.faces(crops)
    assert (Choice(warm, NAMES).probabilities(faces).max(1) < Choice(cool, NAMES).probabilities(faces).max(1)).all()


def test_a_label_alone_is_as_true_as_the_sigmoid_says(matcher: Matcher, crops: list[Image.Image]) -> None:
    faces = matcher.faces(crops)
    logits = matcher.scale * faces @ shown(matcher, labels(NAMES)).T + matcher.bias
    np.testing.assert_allclose(Choice(matcher, NAMES).alone(faces), 1 / (1 + np.exp(-logits)), rtol=1e-4)


def test_a_label_alone_is_as_true_beside_other_labels(matcher: Matcher, crops: list[Image.Image]) -> None:
    faces = matcher.faces(crops)
    one, three = Choice(matcher, NAMES[:1]), Choice(matcher, NAMES)
    np.testing.assert_allclose(one.alone(faces)[:, 0], three.alone(faces)[:, 0], rtol=1e-4)
    assert (one.probabilities(faces) == 1).all()


def test_a_matcher_that_only_compares_judges_no_label_alone(speller: Matcher, astronaut: Path) -> None:
    with pytest.raises(InputError, match="tiny-ViT: compares labels and cannot judge one alone"):
        match(speller, astronaut, NAMES, each=True)


def test_a_model_that_spells_matches_labels_of_any_words(speller: Matcher, astronaut: Path) -> None:
    (face,) = match(speller, astronaut, ["verblüfft", "happiness"]).faces
    assert sum(face.labels.values()) == pytest.approx(1)


def test_how_true_a_label_is_alone_is_told_only_when_asked(matcher: Matcher, astronaut: Path, found: Match) -> None:
    plain = json.loads(match(matcher, astronaut, NAMES).model_dump_json())
    assert set(plain["faces"][0]) == {"id", "box", "score", "labels"}
    assert "alone" in json.loads(found.model_dump_json())["faces"][0]


def test_a_match_is_read_back_from_its_json(found: Match) -> None:
    assert Match.model_validate_json(found.model_dump_json()) == found


def test_a_match_names_the_weights_it_is_by(found: Match, matcher: Matcher) -> None:
    assert found.matcher == f"tiny-clip@{matcher.fingerprint}"


def test_a_photograph_without_a_face_has_no_matches(matcher: Matcher) -> None:
    assert match(matcher, Image.new("RGB", (320, 240), "grey"), NAMES, each=True).faces == ()


def test_a_photograph_that_cannot_be_read_is_refused(matcher: Matcher, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        match(matcher, tmp_path / "missing.jpg", NAMES)


def test_words_put_the_likeliest_label_first(found: Match) -> None:
    likeliest = max(found.faces[0].labels, key=found.faces[0].labels.__getitem__)
    row = text.rows(found)[0]
    assert len(row) == len(text.COLUMNS) and row[1].splitlines()[0] == likeliest
    assert f"## Face 1\n\n| label | probability | true alone |\n|---|---:|---:|\n| {likeliest} |" in text.markdown(
        found
    )


def test_a_label_adds_no_markup(speller: Matcher, astronaut: Path) -> None:
    told = text.markdown(match(speller, astronaut, ["<b>bored</b>|", "calm"]))
    assert "<b>" not in told and r"\|" in told
