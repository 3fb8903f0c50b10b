from __future__ import annotations

import numpy as np
import pytest

from facevlm import facs
from facevlm.errors import InputError
from facevlm.matching import captions
from facevlm.matching.captions import Moved
from facevlm.matching.labels import CONTRARY, by_units, embedded, labels, shown
from facevlm.matching.matcher import Matcher
from facevlm.types import EMOTIONS


def test_an_emotion_is_described_by_its_names_for_and_against() -> None:
    (label,) = labels(["happiness"])
    assert "a happy face" in label.shows and "no happiness" in label.shows_not


def test_an_emotion_is_described_by_its_action_units_for_and_against() -> None:
    (label,) = labels(["happiness"], "units")
    assert "lip corner puller" in label.shows and "brow lowerer" in label.shows_not
    assert not any("happ" in text for text in label.shows + label.shows_not)


def test_both_descriptions_are_one_after_the_other() -> None:
    names, units, both = (labels(["fear"], kind)[0] for kind in ("names", "units", "both"))
    assert both.shows == names.shows + units.shows and both.shows_not == names.shows_not + units.shows_not


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_no_action_unit_speaks_for_and_against_the_same_emotion(emotion: str) -> None:
    label = by_units(emotion)
    assert label.shows and label.shows_not and not set(label.shows) & set(label.shows_not)


def test_what_only_half_the_face_shows_is_described_for_either_half() -> None:
    assert {"left dimpler", "right dimpler"} <= set(by_units("contempt").shows)


def test_a_neutral_face_is_one_at_rest() -> None:
    assert by_units("neutral").shows == captions.still()
    assert set(captions.moving(Moved(au=12))) <= set(by_units("neutral").shows_not)


def test_any_other_label_is_taken_as_it_is_written() -> None:
    (label,) = labels([" lip  corner puller "])
    assert label.name == "lip corner puller" and label.free
    assert (label.shows, label.shows_not) == (("lip corner puller",), ())


def test_a_label_keeps_the_case_it_was_given_in() -> None:
    (label,) = labels(["Happiness"], "units")
    assert label.name == "Happiness" and not label.free


@pytest.mark.parametrize("names", [[], [""], ["anger", "  "]])
def test_no_label_or_an_empty_one_is_refused(names: list[str]) -> None:
    with pytest.raises(InputError, match="no labels to choose among, or an empty one; give"):
        labels(names)


@pytest.mark.parametrize("second", ["anger", "Anger", " anger "])
def test_the_same_label_twice_is_refused_with_its_name(second: str) -> None:
    with pytest.raises(InputError, match=r"the label 'anger' is there twice"):
        labels(["anger", second])


def test_a_label_lies_where_its_texts_lie_less_where_the_contrary_lies(matcher: Matcher) -> None:
    (label,) = labels(["sadness"])
    expected = matcher.texts(label.shows).mean(0) - CONTRARY * matcher.texts(label.shows_not).mean(0)
    np.testing.assert_allclose(embedded(matcher, [label])[0], expected / (1 + CONTRARY), atol=1e-6)


def test_a_label_of_a_matcher_of_whole_words_stands_bare(matcher: Matcher) -> None:
    np.testing.assert_allclose(embedded(matcher, labels(["a smile"])), matcher.texts(["a smile"]), atol=1e-6)


def test_a_free_label_stands_in_frames_before_a_model_that_spells(speller: Matcher) -> None:
    place = embedded(speller, labels(["bored"]))
    assert np.abs(place - speller.texts(["bored"])).max() > 0.01
    assert np.linalg.norm(place) < 0.999  # the mean of several texts


def test_a_model_that_was_not_taught_negation_is_not_asked_by_it(speller: Matcher) -> None:
    chosen = labels(["happiness"])
    np.testing.assert_array_equal(embedded(speller, chosen), shown(speller, chosen))


def test_every_action_unit_is_a_label_that_whole_words_say(matcher: Matcher) -> None:
    assert all(matcher.knows(unit.name) for unit in facs.units())
