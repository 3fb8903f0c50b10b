from __future__ import annotations

import random

import numpy as np

from facevlm.matching.captions import Moved, Named, Still, truth
from facevlm.training.matcher.captioning import caption, rarity, truths
from facevlm.types import AU_CODES, EMOTIONS

SMILE, FROWN = AU_CODES.index(12), AU_CODES.index(4)
NOBODY, EVENLY = np.zeros(8, np.float32), np.ones(24, np.float32)


def moved(*rows: int, left: float = 0.7, right: float = 0.7) -> np.ndarray:
    units = np.zeros((24, 2), np.float32)
    units[list(rows)] = left, right
    return units


def test_a_caption_is_true_of_its_own_face() -> None:
    rng, numbers = random.Random(0), np.random.default_rng(0)
    for _ in range(200):
        units = (numbers.random((24, 2)) * (numbers.random((24, 1)) < 0.2)).astype(np.float32)
        claims = caption(units, NOBODY, EVENLY, EMOTIONS, rng)
        assert truth(claims, units[None], NOBODY[None])[0] > 0.1


def test_a_face_at_rest_is_said_to_be_still() -> None:
    assert caption(moved(), NOBODY, EVENLY, EMOTIONS, random.Random(0)) == (Still(),)


def test_a_stronger_side_is_named() -> None:
    claims = caption(moved(SMILE, left=0.8, right=0.3), NOBODY, EVENLY, EMOTIONS, random.Random(1))
    assert Moved(au=12, side="left") in claims


def test_an_emotion_that_is_left_out_is_never_named() -> None:
    votes, rng = np.eye(8, dtype=np.float32)[EMOTIONS.index("anger")], random.Random(0)
    named = [each for each in EMOTIONS if each != "anger"]
    drawn = [claim for _ in range(200) for claim in caption(moved(FROWN), votes, EVENLY, named, rng)]
    assert any(isinstance(claim, Named) for claim in drawn)
    assert not any(isinstance(claim, Named) and claim.emotion == "anger" for claim in drawn)


def test_rare_units_are_spoken_of_more_often() -> None:
    units = np.stack([moved(SMILE)] * 9 + [moved(FROWN)])
    weights = rarity(units)
    assert weights[FROWN] > 2 * weights[SMILE]


def test_a_caption_is_held_against_every_face_of_the_batch() -> None:
    units, votes = np.stack([moved(SMILE), moved(FROWN)]), np.stack([NOBODY, np.eye(8, dtype=np.float32)[1]])
    table = truths(
        [(Moved(au=12),), (Moved(au=12), Moved(au=4, there=False)), (Named(emotion="happiness"),)], units, votes
    )
    np.testing.assert_allclose(table, [[1, 1, np.nan], [0, 0, 1]])
