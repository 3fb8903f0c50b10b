from __future__ import annotations

import random
import re

import pytest

from facevlm import facs
from facevlm.data.cot import Coding, Label, claims_of, labelled, long, parse
from facevlm.data.cot.interpreting import LONGEST, WORDS
from facevlm.data.sample import UnitLabel
from facevlm.types import EMOTIONS, Emotion
from tests.data.cot.faces import face, random_label, random_units

FEELS = re.compile(r"\bfeel|\b(happy|angry|afraid|scared|joyful)\b", re.I)
CASES: dict[str, tuple[Coding, Label]] = {
    "happy": (face(AU6="C", AU12="D", AU25="B"), Label(emotion="happiness")),
    "mixed": (face(AU4="C", AU12="C"), Label(emotion="happiness")),
    "one unit": (face(AU4="C"), Label(emotion="anger")),
    "at rest": (face(), Label(emotion="neutral")),
    "nothing coded": (Coding(observations=()), Label(emotion="neutral")),
    "without evidence": (face(), Label(emotion="fear")),
    "one-sided": (face(AU12="LB", AU14="LC"), Label(emotion="contempt")),
    "against its label": (face(AU12="D"), Label(emotion="sadness")),
    "compound": (face(AU1="C", AU2="C", AU12="D", AU25="C"), Label(emotion="happiness")),
}
EVERY_CASE = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def written(coding: Coding, label: Label, seed: int = 0) -> str:
    return long.write(coding, label, random.Random(seed))


def interpretations(coding: Coding, label: Label, seeds: int = 40) -> list[str]:
    return [written(coding, label, seed).split("Interpretation: ")[1].split("\n")[0] for seed in range(seeds)]


def test_prose_is_read_back_as_it_was_meant_on_10_000_faces() -> None:
    for seed in range(10_000):
        rng = random.Random(seed)
        coding, label = labelled(random_units(rng)), random_label(rng)
        told = parse(long.write(coding, label, rng))
        assert (told.claims, told.emotion) == (claims_of(coding), label.emotion)
        assert not told.unobserved
        assert told.denied <= coding.absent


@EVERY_CASE
def test_no_two_of_1_000_texts_are_equal(case: tuple[Coding, Label]) -> None:
    assert len({written(*case, seed) for seed in range(1000)}) == 1000


@EVERY_CASE
def test_one_seed_writes_one_text(case: tuple[Coding, Label]) -> None:
    assert written(*case, 7) == written(*case, 7)


def test_an_interpretation_keeps_to_its_length() -> None:
    for seed in range(2000):
        rng = random.Random(seed)
        coding, label = labelled(random_units(rng)), random_label(rng)
        text = long.write(coding, label, rng).split("Interpretation: ")[1].split("\n")[0]
        assert WORDS[0] <= len(text.split()) <= WORDS[1] and len(text) <= LONGEST


@EVERY_CASE
def test_a_text_speaks_of_the_expression_and_of_no_feeling(case: tuple[Coding, Label]) -> None:
    for seed in range(40):
        assert not FEELS.search(written(*case, seed))


@EVERY_CASE
def test_a_text_is_finished_language(case: tuple[Coding, Label]) -> None:
    for seed in range(40):
        text = written(*case, seed)
        assert not re.search(r"[\[\]{}|]|\s{2,}(?!\n)| [,.;]|\.\.", text.replace("\n\n", " "))


def test_observations_name_number_name_strength_and_side() -> None:
    for seed in range(20):
        observations = written(face(AU12="LD"), Label(emotion="contempt"), seed).split("\n")[0]
        assert "12" in observations and "lip corner puller" in observations
        assert "severe" in observations and "left" in observations


def test_observations_do_not_depend_on_the_label() -> None:
    for seed in range(20):
        coding = face(AU4="C", AU12="C", AU25="B")
        parts = {written(coding, Label(emotion=emotion), seed).split("\n")[0] for emotion in EMOTIONS}
        assert len(parts) == 1


def test_a_strength_or_side_that_is_not_known_is_not_told() -> None:
    coding = labelled({12: UnitLabel(present=True), 6: UnitLabel(present=True)})
    for seed in range(40):
        observations = written(coding, Label(emotion="happiness"), seed).split("\n")[0]
        assert not re.search(r"trace|slight|marked|severe|maximum|left|right|both|\([A-E]\)|\d[A-E]", observations)


def test_nothing_is_denied_that_was_not_coded() -> None:
    coding = labelled({12: UnitLabel(present=True, intensity="C")})
    for seed in range(40):
        text = written(coding, Label(emotion="happiness"), seed)
        assert not parse(text).denied
        assert " rest" not in text.split("\n")[0]


def test_evidence_against_the_label_is_always_named() -> None:
    coding = face(AU4="C", AU12="C")
    assert all("AU 4" in text for text in interpretations(coding, Label(emotion="happiness")))


@pytest.mark.parametrize("emotion", ["sadness", "anger", "fear", "disgust"])
def test_a_label_that_does_not_follow_from_the_units_is_said_not_to(emotion: Emotion) -> None:
    for text in interpretations(face(AU6="C", AU12="D"), Label(emotion=emotion)):
        assert re.search(
            r"movements alone|By the action units|By the movements|as far as movements go|as a whole", text
        )
        assert "happiness" in text.lower()


def test_one_side_alone_is_weighed() -> None:
    for text in interpretations(face(AU12="RC"), Label(emotion="happiness")):
        assert re.search(r"right", text)
    for text in interpretations(face(AU14="LC"), Label(emotion="contempt")):
        assert re.search(r"left", text)


def test_a_compound_face_is_named_with_both_emotions() -> None:
    coding = face(AU1="C", AU2="C", AU12="D", AU25="C")
    for text in interpretations(coding, Label(emotion="happiness")):
        assert "happily surprised" in text and "surprise" in text


def test_a_split_of_opinions_is_told_in_tenths() -> None:
    label = Label(emotion="surprise", distribution={"surprise": 0.6, "fear": 0.3, "neutral": 0.1})
    for text in interpretations(face(AU1="C", AU2="C", AU5="C", AU26="C"), label):
        assert re.search(r"six in ten.*three|surprise.*six in ten.*fear.*three", text)


def test_a_label_that_most_would_not_give_is_said_to_be_a_minoritys() -> None:
    label = Label(emotion="fear", distribution={"surprise": 0.6, "fear": 0.4})
    for text in interpretations(face(AU1="C", AU2="C", AU5="C"), label):
        assert re.search(r"minority|more of them would read surprise", text)


def test_faint_movement_of_a_neutral_face_is_called_faint() -> None:
    for text in interpretations(face(AU4="A", AU17="B"), Label(emotion="neutral")):
        assert re.search(r"faint|slight|weak", text)


def test_texts_begin_with_different_arguments() -> None:
    coding, label = CASES["mixed"]
    first = {text.split(". ")[0] for text in interpretations(coding, label, 200)}
    assert len(first) > 50


def test_every_emotion_and_compound_can_be_written_of() -> None:
    for row in facs.compounds():
        for emotion in row.emotions:
            coding = face(**{f"AU{code}": "C" for code in row.aus})
            told = parse(written(coding, Label(emotion=emotion, compound=row.name)))
            assert told.emotion == emotion
