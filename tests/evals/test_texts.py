"""What is asked of a text, on texts of the engine and on ones that are wrong in one way."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import texts

from facevlm.data.cot import short
from facevlm.errors import InputError
from facevlm.types import ActionUnit, Emotion, Explanation, Observation


def engines(emotion: Emotion, seed: int = 0, **strengths: float) -> Explanation:
    """What the engine writes of a face, its units given as `au12=0.7`."""
    rng = random.Random(seed)
    units = {int(name[2:]): ActionUnit(code=int(name[2:]), value=value) for name, value in strengths.items()}
    observations = short.observe(units, rng)
    return Explanation(
        observations=observations, interpretation=short.interpret(observations, emotion, rng), emotion=emotion
    )


def test_no_word_for_an_emotion_is_left() -> None:
    text = texts.written(engines("anger", au4=0.7, au12=0.5))
    assert "anger" in text
    assert not any(emotion in texts.masked(text) for emotion in texts.EMOTIONS)


def test_a_reader_learns_the_emotion_from_texts_without_its_word(arrays: Path) -> None:
    told = [engines("happiness", seed, au6=0.7, au12=0.7) for seed in range(5)]
    told += [engines("anger", seed, au4=0.7, au7=0.7) for seed in range(5)]
    (_, agrees, least), (_, unseen, _) = texts.agreement(told, arrays)
    assert (agrees.value, agrees.n, least) == (1.0, 10, "0.85")
    assert unseen.value == 1.0
    assert unseen.n == int(texts.engines_texts(arrays)[2].sum())


def test_a_reader_does_not_agree_with_a_conclusion_its_text_does_not_bear_out(arrays: Path) -> None:
    smile = engines("happiness", au6=0.7, au12=0.7)
    lied = smile.model_copy(update={"emotion": "anger"})
    (_, agrees, _), _ = texts.agreement([lied] * 4, arrays)
    assert agrees.value == 0


def test_without_the_arrays_the_reader_says_what_makes_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.npz: no such file"):
        list(texts.agreement([], tmp_path / "none.npz"))


def test_the_pixels_outweigh_what_was_observed_where_it_speaks_for_another_emotion() -> None:
    assert texts.bearing(engines("anger", au6=0.7, au12=0.7)) == "unsupported"
    assert texts.bearing(engines("anger", au4=0.3, au6=0.7, au12=0.9)) == "mixed_against"
    assert texts.bearing(engines("happiness", au6=0.7, au12=0.7)) == "whole"
    assert texts.bearing(engines("neutral", au12=0.7)) == ""


def test_where_pixels_outweigh_a_text_that_says_so_is_told_from_one_that_does_not() -> None:
    says = engines("anger", au6=0.7, au12=0.7)
    hides = says.model_copy(update={"interpretation": "a smile: anger, its prototype: AU 6, 12."})
    plain = engines("happiness", au6=0.7, au12=0.7)
    rows = {name: figure for name, figure, _ in texts.against([says, hides, plain, plain], [True, False, True, True])}
    assert [round(figure.value, 3) for figure in rows.values()] == [0.5, 0.5, 0.5, 1.0]
    assert [figure.n for figure in rows.values()] == [4, 2, 2, 2]


@pytest.mark.parametrize("seed", range(20))
def test_what_the_engine_says_of_observations_is_known_as_its_own(seed: int) -> None:
    assert texts.says_as_the_engine(engines("sadness", seed, au1=0.5, au4=0.5, au12=0.3))


def test_the_engines_texts_pass_every_test() -> None:
    told = [engines("happiness", seed, au6=0.7, au12=0.7, au25=0.5) for seed in range(5)]
    assert all(texts.reads_back(each) and texts.cites_what_it_observed(each) for each in told)
    assert not any(texts.repeats(each) for each in told)


@pytest.mark.parametrize(
    "interpretation",
    [
        "a smile: happiness, for it AU 12, 6.",  # AU 6 was not observed
        "a smile: happiness, without AU 12.",
        "a smile: sadness, for it AU 12.",
        "a smile, for it AU 12.",
    ],
)
def test_a_text_that_contradicts_itself_does_not_read_back(interpretation: str) -> None:
    smile = engines("happiness", au12=0.7)
    assert texts.reads_back(smile)
    assert not texts.reads_back(smile.model_copy(update={"interpretation": interpretation}))


def test_a_unit_cited_without_having_been_observed_is_found() -> None:
    smile = engines("happiness", au12=0.7)
    assert not texts.cites_what_it_observed(smile.model_copy(update={"interpretation": "for it AU 6, 12."}))


def test_a_phrase_of_four_words_or_evidence_that_comes_twice_is_a_repetition() -> None:
    told = Explanation(observations=(), interpretation="a smile under raised cheeks", emotion="happiness")
    assert not texts.repeats(told)
    stuttered = "a smile under raised cheeks, a smile under raised cheeks"
    assert texts.repeats(told.model_copy(update={"interpretation": stuttered}))
    same = tuple(Observation(au=au, name="", intensity="C", evidence="the cheeks rise") for au in (6, 12))
    assert texts.repeats(told.model_copy(update={"observations": same}))
