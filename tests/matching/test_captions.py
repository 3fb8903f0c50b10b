from __future__ import annotations

import random

import numpy as np
import pytest

from facevlm import facs
from facevlm.matching import captions
from facevlm.matching.captions import Moved, Named, Still
from facevlm.types import AU_CODES, EMOTIONS


def units(**strengths: tuple[float, float]) -> np.ndarray:
    """One face's action units: `au12=(left, right)`; the others absent."""
    found = np.zeros((1, len(AU_CODES), 2), np.float32)
    for name, sides in strengths.items():
        found[0, AU_CODES.index(int(name.removeprefix("au")))] = sides
    return found


def votes(**shares: float) -> np.ndarray:
    return np.array([[shares.get(emotion, 0) for emotion in EMOTIONS]], np.float32)


def truth(*claims: captions.Claim, seen: np.ndarray | None = None, voted: np.ndarray | None = None) -> float:
    seen, voted = units() if seen is None else seen, votes() if voted is None else voted
    return float(captions.truth(claims, seen, voted)[0])


def test_an_emotion_is_as_true_as_its_share_of_the_votes() -> None:
    voted = votes(happiness=0.7, surprise=0.3)
    assert truth(Named(emotion="happiness"), voted=voted) == pytest.approx(0.7)
    assert truth(Named(emotion="happiness", there=False), voted=voted) == pytest.approx(0.3)


def test_whether_a_face_shows_an_emotion_is_unknown_where_nobody_voted() -> None:
    assert np.isnan(truth(Named(emotion="happiness")))


@pytest.mark.parametrize(("strength", "true"), [(0.1, 0), (0.225, 0.5), (0.35, 1), (0.9, 1)])
def test_an_action_unit_is_true_between_faint_and_clear_on_its_stronger_side(strength: float, true: float) -> None:
    seen = units(au12=(strength, 0.05))
    assert truth(Moved(au=12), seen=seen) == pytest.approx(true, abs=1e-5)
    assert truth(Moved(au=12, there=False), seen=seen) == pytest.approx(1 - true, abs=1e-5)


def test_a_side_is_true_where_it_is_clear_and_stronger_than_the_other() -> None:
    assert truth(Moved(au=12, side="left"), seen=units(au12=(0.6, 0.3))) == pytest.approx(1)
    assert truth(Moved(au=12, side="right"), seen=units(au12=(0.6, 0.3))) == 0
    assert truth(Moved(au=12, side="left"), seen=units(au12=(0.6, 0.5))) == pytest.approx(0.5, abs=1e-5)
    assert truth(Moved(au=12, side="left"), seen=units(au12=(0.6, 0.6))) == 0


@pytest.mark.parametrize(("grade", "true"), [("C", 1), ("D", 0.5), ("B", 0.5), ("E", 0)])
def test_a_grade_is_true_of_its_own_strength_and_half_true_of_the_next(grade: str, true: float) -> None:
    assert truth(Moved(au=12, grade=grade), seen=units(au12=(0.5, 0.5))) == pytest.approx(true, abs=1e-5)


def test_a_face_is_still_as_far_as_its_strongest_unit_is_absent() -> None:
    assert truth(Still()) == 1
    assert truth(Still(), seen=units(au4=(0.225, 0), au12=(0.1, 0.1))) == pytest.approx(0.5, abs=1e-5)


def test_claims_together_are_as_true_as_their_product() -> None:
    seen = units(au1=(0.225, 0.225), au12=(0.225, 0.225))
    assert truth(Moved(au=1), Moved(au=12), seen=seen) == pytest.approx(0.25, abs=1e-5)


def test_what_was_not_measured_is_neither_true_nor_untrue() -> None:
    assert np.isnan(truth(Moved(au=12), seen=units(au12=(np.nan, np.nan))))


def test_truth_is_told_of_every_face() -> None:
    seen = np.concatenate([units(au12=(0.9, 0.9)), units()])
    assert captions.truth([Moved(au=12)], seen, np.zeros((2, 8), np.float32)).tolist() == [1, 0]


def test_an_article_fits_the_word_after_it() -> None:
    assert "an angry face" in captions.naming("anger")
    assert "a sad face" in captions.naming("sadness")


def test_a_denial_never_reads_as_its_claim() -> None:
    for emotion in EMOTIONS:
        assert not set(captions.naming(emotion)) & set(captions.naming(emotion, there=False))
    for unit in facs.units():
        assert not set(captions.moving(Moved(au=unit.code))) & set(captions.moving(Moved(au=unit.code, there=False)))


def test_a_one_sided_caption_names_the_side() -> None:
    assert all("left" in text for text in captions.moving(Moved(au=12, side="left")))


def test_a_text_is_said_briefly_without_its_small_words() -> None:
    assert captions.briefly("the lip corners are drawn up") == "lip corners drawn up"


def test_no_word_is_left_with_a_place_to_fill() -> None:
    assert not [text for text in captions.every_text() if "{" in text or not text.strip()]


def test_every_caption_is_within_the_vocabulary() -> None:
    from facevlm.training.matcher import clip

    words = clip.vocabulary()
    unknown = words.token_to_id("<unk>")
    rng = random.Random(0)
    claims = (
        Named(emotion="fear"),
        Moved(au=12, side="left"),
        Moved(au=4, grade="D"),
        Moved(au=26, there=False),
        Still(),
    )
    drawn = [captions.words(rng.sample(claims, 3), rng) for _ in range(200)]
    for text in (*captions.every_text(), *map(captions.briefly, captions.every_text()), *drawn):
        assert unknown not in words.encode(text).ids, text


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("the left lip corner is raised", Moved(au=12, side="left")),
        ("Left lip corner raised.", Moved(au=12, side="left")),
        ("AU 4 brow lowerer", Moved(au=4)),
        ("a smile", Moved(au=12)),
    ],
)
def test_a_caption_of_one_action_unit_is_read_back(text: str, claim: Moved) -> None:
    assert captions.read(text) == claim


def test_what_is_no_caption_of_an_action_unit_is_not_read() -> None:
    assert captions.read("a happy face") is None
    assert captions.read("no lip corner puller") is None


def test_a_side_shows_a_unit_whatever_the_other_does() -> None:
    units = np.zeros((2, 24, 2), np.float32)
    units[0, AU_CODES.index(12)] = 0.6, 0.2
    units[1, AU_CODES.index(12)] = np.nan
    np.testing.assert_allclose(captions.strength(Moved(au=12, side="right"), units), [0.2, np.nan])
    np.testing.assert_allclose(captions.strength(Moved(au=12), units), [0.6, np.nan], rtol=1e-6)
