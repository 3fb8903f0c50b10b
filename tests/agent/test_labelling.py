"""Words beside the eight emotions, which a matcher compares with a face."""

from __future__ import annotations

import pytest

from facevlm.agent import labelling
from facevlm.errors import InputError, PrerequisiteError


def likeness(found):
    return lambda view, face, labels: {label: found[label] for label in labels}


def test_of_several_words_the_one_that_fits_best_is_told_with_its_probability(ask, glad, monkeypatch):
    monkeypatch.setattr(labelling, "likeness", likeness({"joy": 0.9, "surprise": 0.1}))
    answer = ask("Which fits better, joy or surprise?", glad)
    assert "«joy» fits better" in answer.text and "90%" in answer.text
    (sentence,) = answer.sentences
    assert {(each.face, each.label, each.probability) for each in sentence.evidence} == {
        (1, "joy", 0.9),
        (1, "surprise", 0.1),
    }


@pytest.mark.parametrize(("share", "says"), [(0.8, "Yes, «smirk» fits"), (0.2, "No, «smirk» hardly fits")])
def test_one_word_fits_or_does_not(share, says, ask, glad, monkeypatch):
    monkeypatch.setattr(labelling, "likeness", likeness({"smirk": share}))
    assert says in ask("Is that a smirk?", glad).text


def test_where_there_is_no_matcher_it_says_why(ask, glad, monkeypatch):
    answer = failing(PrerequisiteError("open_clip not installed"), ask, glad, monkeypatch)
    assert "open_clip not installed" in answer.text and not answer.failed


def test_of_a_word_the_matcher_does_not_know_it_says_what_is_seen_without_its_hints(ask, glad, monkeypatch):
    answer = failing(InputError("never shown 'smirk'; did you mean their?"), ask, glad, monkeypatch)
    assert "no measure of «smirk»" in answer.text and "reads as" in answer.text and "did you mean" not in answer.text


def failing(error, ask, glad, monkeypatch):
    def fails(view, face, labels):
        raise error

    monkeypatch.setattr(labelling, "likeness", fails)
    return ask("Is that a smirk?", glad)


def test_each_face_that_is_meant_is_compared(ask, two, monkeypatch):
    monkeypatch.setattr(labelling, "likeness", lambda view, face, labels: {labels[0]: 0.9 if face.id == 2 else 0.1})
    answer = ask("Does face 2 look bored?", two)
    assert answer.faces == (2,) and "Yes" in answer.text
