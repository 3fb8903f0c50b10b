from __future__ import annotations

from math import exp, log

import numpy as np
import pytest
from numpy.typing import NDArray

from facevlm.matching import compound
from facevlm.types import AU_CODES, EMOTIONS, Emotion

SEVEN = compound.expressions("c-expr")


def places(asked: str = "c-expr") -> dict[str, int]:
    return {each.name: place for place, each in enumerate(compound.expressions(asked))}  # type: ignore[arg-type]


def given(**shares: float) -> NDArray[np.float64]:
    """One face's probabilities."""
    return np.array([[shares.get(each, 0.0) for each in EMOTIONS]])


def showing(*units: int, unmeasured: tuple[int, ...] = ()) -> NDArray[np.float32]:
    """One face's action units: these at full strength, the others absent or not measured."""
    return np.array(
        [[1.0 if each in units else np.nan if each in unmeasured else 0.0 for each in AU_CODES]], np.float32
    )


def basis(*emotions: Emotion) -> NDArray[np.float64]:
    """The eight emotions along an axis each, and one face between some of them."""
    rows = np.eye(len(EMOTIONS))[[EMOTIONS.index(each) for each in emotions]].mean(0)
    return np.asarray(rows / np.linalg.norm(rows))[None]


def test_the_benchmarks_have_seven_and_fourteen_expressions() -> None:
    assert len(SEVEN) == 7
    fourteen = compound.expressions("raf-ce")
    assert len(fourteen) == len({each.name for each in fourteen}) == 14
    assert fourteen[0].name == "happily surprised"
    assert set(SEVEN) < set(fourteen)


def test_the_pair_with_the_most_probability_is_the_likeliest() -> None:
    found = compound.aggregated(given(fear=0.5, surprise=0.3, anger=0.2), SEVEN)[0]
    assert found.sum() == pytest.approx(1)
    assert found.argmax() == places()["fearfully surprised"]


def test_pairs_share_what_their_emotions_have() -> None:
    # with sadness alone, the three pairs that have it get a third each
    found = compound.aggregated(given(sadness=1.0), SEVEN)[0]
    having = [places()[name] for name in ("sadly surprised", "sadly fearful", "sadly angry")]
    assert found[having] == pytest.approx([1 / 3] * 3)
    assert found.sum() == pytest.approx(1)


def test_evened_out_an_emotion_of_few_pairs_counts_more() -> None:
    # of seven pairs surprise is in five, fear in two, happiness in one: s = 2, 5 and 6, so w = 2/7, 5/7 and 2/8, 6/8
    found = compound.aggregated(given(surprise=0.4, fear=0.3, happiness=0.3), SEVEN, even_out=True)[0]
    fear, happy = places()["fearfully surprised"], places()["happily surprised"]
    assert found[fear] / found[happy] == pytest.approx((0.4 * 2 / 7 + 0.3 * 5 / 7) / (0.4 * 2 / 8 + 0.3 * 6 / 8))


def test_without_faint_ones_an_even_share_counts_as_nothing() -> None:
    shares = given(surprise=0.75, fear=0.125, happiness=0.125)
    found = compound.aggregated(shares, SEVEN, drop_faint=True)[0]
    assert found[places()["sadly fearful"]] == 0
    assert found[places()["fearfully surprised"]] == pytest.approx(1 / 5)


def test_where_nothing_is_left_all_pairs_are_as_likely() -> None:
    assert compound.aggregated(given(neutral=1.0), SEVEN)[0] == pytest.approx([1 / 7] * 7)


def test_both_at_once_are_multiplied_and_do_not_tie_where_one_is_nearly_sure() -> None:
    found = compound.joint(given(surprise=0.9, fear=0.06, happiness=0.03, anger=0.01), SEVEN)[0]
    assert found.sum() == pytest.approx(1)
    assert found[places()["fearfully surprised"]] / found[places()["happily surprised"]] == pytest.approx(2)


def test_a_face_halfway_between_two_emotions_is_most_like_their_pair() -> None:
    found = compound.similar(basis("sadness", "anger"), np.eye(8), SEVEN, scale=10)[0]
    assert found.argmax() == places()["sadly angry"]
    # cosine 1 with its own pair, ½ with one that shares an emotion
    assert found[places()["sadly angry"]] / found[places()["sadly fearful"]] == pytest.approx(exp(10 * 0.5))


def test_a_face_that_shows_the_core_of_an_expression_fits_it_best() -> None:
    for each in SEVEN:
        found = compound.fitting(showing(*each.aus), SEVEN)[0]
        assert found.argmax() == places()[each.name], each.name


def test_a_unit_of_the_core_speaks_for_it_by_seven_to_one_and_its_absence_against_it_by_three_to_one() -> None:
    happy, sad = places()["happily surprised"], places()["sadly surprised"]  # 1, 2, 12, 25 and 1, 4, 25, 26
    odds = compound.fitting(showing(12), SEVEN)[0]
    assert log(odds[happy] / odds[sad]) == pytest.approx(log(7) + log(1 / 3) - 2 * log(1 / 3))


def test_a_unit_that_is_not_measured_speaks_for_no_expression() -> None:
    unmeasured = compound.fitting(showing(unmeasured=AU_CODES), SEVEN)[0]
    assert unmeasured == pytest.approx([1 / 7] * 7)


def test_an_unfound_face_fits_nothing_that_is_known() -> None:
    assert np.isnan(compound.similar(np.full((1, 8), np.nan), np.eye(8), SEVEN, 10)).all()
    for drop_faint in (False, True):
        assert np.isnan(compound.aggregated(np.full((1, 8), np.nan), SEVEN, drop_faint=drop_faint)).all()


def test_all_three_together_are_their_product() -> None:
    ways: dict[compound.Way, NDArray[np.float64]] = {
        "probabilities": np.array([[0.6, 0.4]]),
        "features": np.array([[0.5, 0.5]]),
        "units": np.array([[0.2, 0.8]]),
    }
    even: dict[compound.Way, float] = dict.fromkeys(ways, 1.0)
    assert compound.fused(ways, even)[0] == pytest.approx([0.12 / 0.44, 0.32 / 0.44])
