from __future__ import annotations

import pytest

from facevlm import facs
from facevlm.types import AU_CODES, EMOTIONS

PROTOTYPES = [row for emotion in EMOTIONS for row in facs.prototypes(emotion)]


@pytest.mark.parametrize("pair", [(24, 25), (24, 26), (24, 27), (5, 43), (18, 20), (26, 27), (27, 28), (22, 28)])
def test_what_one_unit_undoes_of_another_is_a_contradiction(pair: tuple[int, int]) -> None:
    (found,) = facs.contradictions(pair)
    assert found.aus == pair


def test_a_face_may_show_units_that_are_no_such_pair() -> None:
    assert facs.contradictions({1, 2, 5, 25, 26}) == ()


def test_every_pair_is_of_two_known_units_and_says_why() -> None:
    pairs = facs.contradictions()
    assert len({row.aus for row in pairs}) == len(pairs) >= 10
    assert all(row.aus[0] < row.aus[1] and set(row.aus) <= set(AU_CODES) for row in pairs)
    assert all(len(row.reason) > 20 and len(row.source) > 20 for row in pairs)


@pytest.mark.parametrize("row", PROTOTYPES, ids=lambda row: f"{row.emotion}-{sorted(row.required)}")
def test_what_makes_a_prototype_can_be_seen_together(row: facs.Prototype) -> None:
    assert facs.contradictions(row.required) == ()


@pytest.mark.parametrize("row", facs.compounds(), ids=lambda row: row.name)
def test_the_core_of_a_compound_can_be_seen_together(row: facs.Compound) -> None:
    assert facs.contradictions(row.aus) == ()
