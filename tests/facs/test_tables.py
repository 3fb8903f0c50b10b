from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facevlm import facs
from facevlm.errors import InputError
from facevlm.types import AU_CODES, EMOTIONS, INTENSITY_VALUES

SHARED = Path(os.environ.get("FACEVLM_SHARED", Path(__file__).resolve().parents[3] / "shared"))
EMOTION_WORDS = re.compile(
    r"neutral|happ|joy|smil|surpris|sad|sorrow|ang(er|ry)|rage|disgust|fear|afraid|scare|contempt|worr|pain|frown|grin",
    re.IGNORECASE,
)
UNITS = pytest.mark.parametrize("unit", facs.units(), ids=lambda unit: f"AU{unit.code}")
SHOWN = pytest.mark.parametrize("emotion", [emotion for emotion in EMOTIONS if emotion != "neutral"])


def test_the_units_are_the_24_in_their_order() -> None:
    assert tuple(unit.code for unit in facs.units()) == AU_CODES


def test_a_unit_is_found_by_its_number() -> None:
    assert facs.unit(12).name == "lip corner puller"


def test_an_unknown_unit_is_refused_with_the_ones_that_exist() -> None:
    with pytest.raises(InputError, match=r"AU 13 is not known here; use one of 1, 2, 4, .* 43"):
        facs.unit(13)


@UNITS
def test_phrases_are_short_and_name_no_emotion(unit: facs.Unit) -> None:
    assert len(set(unit.evidence)) >= 3
    for phrase in unit.evidence + unit.one_sided:
        assert 3 <= len(phrase.split()) <= 7
        assert not EMOTION_WORDS.search(phrase)


@UNITS
def test_only_sided_units_have_phrases_for_one_side(unit: facs.Unit) -> None:
    assert bool(unit.one_sided) == unit.sided
    assert all("left" in phrase.format(side="left") for phrase in unit.one_sided)


@UNITS
def test_a_region_is_as_large_on_the_left_as_on_the_right(unit: facs.Unit) -> None:
    left, right, middle = (set(unit.region[place]) for place in ("left", "right", "middle"))
    assert len(left) == len(right) > 0
    assert not (left & right or left & middle or right & middle)
    assert left | right | middle <= set(range(478))


def reference(name: str) -> dict[str, Any]:
    table = SHARED / "data/facs" / name
    if not table.is_file():
        pytest.skip(f"{table} is absent: the reference maps of the face are not shipped")
    content: dict[str, Any] = json.loads(table.read_text())
    return content


def test_regions_lie_on_the_muscles_of_their_units() -> None:
    surfaces: dict[str, set[int]] = {}
    for muscle in reference("muscle_to_mesh_map.json")["muscles"].values():
        surfaces.setdefault(muscle["au"], set()).update(muscle["mp478_vertices"])
    for unit in facs.units():
        if surface := surfaces.get(f"AU{unit.code:02d}"):
            assert surface & set(unit.region["left"]) and surface & set(unit.region["right"]), unit.code


def test_regions_meet_the_published_regions() -> None:
    published = reference("au_region_map.json")["regions"]
    for unit in facs.units():
        as_muscle = unit.code in (11, 12, 20, 26)  # given there as the muscle's course, here as where it shows
        if f"AU{unit.code:02d}" in published and not as_muscle:
            points = {point for points in unit.region.values() for point in points}
            assert points & set(published[f"AU{unit.code:02d}"]["mp478_vertices"]), unit.code


def test_every_row_names_its_source() -> None:
    rows = [*facs.units(), *facs.compounds(), *(row for emotion in EMOTIONS for row in facs.prototypes(emotion))]
    assert all(len(row.source) > 20 for row in rows)


@given(st.floats(0.05, 1))
def test_a_grade_is_the_nearest_letter(value: float) -> None:
    letter = facs.grade(value)
    assert letter is not None
    nearest = min(abs(value - strength) for strength in INTENSITY_VALUES.values())
    assert abs(value - INTENSITY_VALUES[letter]) == pytest.approx(nearest)


@given(st.floats(-1, 0.05, exclude_max=True))
def test_what_is_fainter_than_half_a_trace_has_no_grade(value: float) -> None:
    assert facs.grade(value) is None


def test_grades_have_the_manuals_words() -> None:
    words = [facs.intensity_word(letter) for letter in INTENSITY_VALUES]
    assert words == ["trace", "slight", "marked", "severe", "maximum"]


@SHOWN
def test_every_emotion_but_neutral_has_prototypes_of_known_units(emotion: str) -> None:
    rows = facs.prototypes(emotion)
    assert rows and all(row.required and row.emotion == emotion for row in rows)
    assert facs.typical(emotion) <= set(AU_CODES)


def test_neutral_has_no_typical_units() -> None:
    assert facs.prototypes("neutral") == ()
    assert facs.typical("neutral") == frozenset()


def test_typical_units_are_those_of_all_alternatives() -> None:
    assert facs.typical("happiness") == {6, 12, 25}
    assert facs.typical("surprise") == {1, 2, 5, 25, 26, 27}


def test_contempt_alone_is_shown_on_one_side() -> None:
    one_sided = {row.emotion for emotion in EMOTIONS for row in facs.prototypes(emotion) if row.one_sided}
    assert one_sided == {"contempt"}
    assert all(row.one_sided for row in facs.prototypes("contempt"))


def test_compounds_join_two_emotions_by_known_units() -> None:
    assert len({compound.name for compound in facs.compounds()}) == 17
    for compound in facs.compounds():
        assert compound.emotions[0] != compound.emotions[1]
        assert compound.aus <= set(AU_CODES)
