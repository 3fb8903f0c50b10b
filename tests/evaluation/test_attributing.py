"""Where conclusions rest: two places on a face of which one costs more, by hand."""

from __future__ import annotations

from math import sqrt
from pathlib import Path

import numpy as np
import pytest

from facevlm.data.sample import UnitLabel
from facevlm.errors import InputError
from facevlm.evaluation import scoring
from facevlm.evaluation.metrics import attribution
from facevlm.evaluation.metrics.attribution import Outline, Place, Places
from facevlm.evaluation.rows import FaceTruth, Row
from facevlm.evaluation.scores import Score
from facevlm.evaluation.suite import Condition, Damaged, Suite
from facevlm.types import FaceAnalysis
from tests.evaluation.made import checked, face, row

MOUTH, BROW = (next(each for each in attribution.regions() if unit in each) for unit in (12, 4))
CONDITIONS = (
    Condition(name="as given"),
    *(
        Condition(name=f"without {unit}", damage=Damaged(kind="region", level=unit), of="as given")
        for unit in (12, 4)
    ),
)  # fmt: skip
SUITE = Suite(name="made", title="made", task="emotion", conditions=CONDITIONS, metrics=("accuracy",))


def square(left: float, top: float) -> Outline:
    return ((left, top), (left + 4, top), (left + 4, top + 4), (left, top + 4))


PLACES = Places(
    rim=0.1,
    of=(Place(region=BROW, outlines=(square(1, 1),)), Place(region=MOUTH, outlines=(square(1, 6),))),
)


def answered(
    whole: FaceAnalysis, mouth: FaceAnalysis | None, brow: FaceAnalysis | None, truth: FaceTruth | None = None
) -> list[Row]:
    """A face as given, without its mouth's region and without its brow's."""
    known = truth or FaceTruth(emotion="happiness")
    told = zip(CONDITIONS, (whole, mouth, brow), strict=True)
    rows = [row("a", known, each, condition=condition.name) for condition, each in told]
    return [rows[0].model_copy(update={"places": {1: PLACES}}), *rows[1:]]


def figures(rows: list[Row], suite: Suite = SUITE) -> dict[str, Score]:
    """By metric; those without a region by «metric, condition»."""
    found = list(scoring.of_rows(suite, rows))
    return {f"{each.metric}, {each.condition}": each for each in found} | {
        each.metric: each for each in found if each.condition == "as given"
    }


SURE = face("happiness", 0.9, checked(4))
LESS, LITTLE = face("happiness", 0.5), face("happiness", 0.8)  # .4 and .1 less


def test_a_region_costs_the_probability_that_the_conclusion_loses_without_it() -> None:
    found = figures(answered(SURE, LESS, LITTLE))
    assert found["probability lost, without 12"].value == pytest.approx(0.4)
    assert found["probability lost, without 4"].value == pytest.approx(0.1)


def test_a_map_is_held_against_the_places_typical_of_what_was_concluded() -> None:
    # Of happiness (AU 6, 12, 25) the mouth's place alone is there: .4 / √(.4² + .1²), over two places of one size.
    found = figures(answered(SURE, LESS, LITTLE))
    assert found["occlusion: cosine with units"].value == pytest.approx(0.4 / sqrt(0.17), abs=0.002)
    assert found["occlusion: cosine of an even map"].value == pytest.approx(1 / sqrt(2), abs=0.002)
    assert found["occlusion: IoU with units"].value == 1


def test_coded_units_go_before_those_typical() -> None:
    frown = FaceTruth(emotion="happiness", units={4: UnitLabel(present=True), 12: UnitLabel(present=False)})
    found = figures(answered(SURE, LESS, LITTLE, frown))
    assert found["occlusion: cosine with units"].value == pytest.approx(0.1 / sqrt(0.17), abs=0.002)
    assert found["occlusion: IoU with units"].value == 0


def test_what_is_claimed_has_a_map_of_its_own() -> None:
    found = figures(answered(SURE, LESS, LITTLE))
    assert found["occlusion: cosine with claims"].value == pytest.approx(0.1 / sqrt(0.17), abs=0.002)


def test_a_region_without_which_the_face_is_not_found_is_left_out() -> None:
    found = figures(answered(SURE, None, LITTLE))
    assert found["occlusion: cosine with claims"].value == pytest.approx(1)
    assert found["occlusion: cosine with units"].value == 0


def test_a_neutral_face_has_no_units_to_point_at() -> None:
    found = figures(answered(face("neutral", 0.9), face("neutral", 0.5), face("neutral", 0.8)))
    assert found["occlusion: cosine with units"].value is None
    assert found["occlusion: cosine with units"].n == 0


def test_an_endpoint_without_probabilities_loses_all_where_it_concludes_something_else() -> None:
    rows = answered(SURE, face("fear"), LITTLE)
    for place, each in enumerate(rows):
        told = each.answer.faces[0].explanation.model_copy(update={"probabilities": None})
        one = each.answer.faces[0].model_copy(update={"explanation": told})
        rows[place] = each.model_copy(update={"answer": each.answer.model_copy(update={"faces": (one,)})})
    found = figures(rows)
    assert found["probability lost, without 12"].value == 1
    assert found["occlusion: cosine with units"].value == pytest.approx(1)


def test_maps_of_ones_own_are_held_against_the_units_at_their_own_size(tmp_path: Path) -> None:
    heat = np.zeros((20, 20))  # of a picture of 10 × 10 pixels
    heat[12:20, 2:10] = 1
    np.save(tmp_path / "a.npy", heat)
    found = figures(answered(SURE, LESS, LITTLE), SUITE.model_copy(update={"heat": str(tmp_path)}))
    assert found["heat map: cosine with units"].value == pytest.approx(1, abs=0.1)
    assert found["heat map: IoU with units"].n == 1


def test_a_face_without_a_map_of_ones_own_does_not_count(tmp_path: Path) -> None:
    found = figures(answered(SURE, LESS, LITTLE), SUITE.model_copy(update={"heat": str(tmp_path)}))
    assert found["heat map: cosine with units"].n == 0


def test_rows_that_do_not_say_where_regions_are_cannot_be_held_against_maps(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="run the suite occlusion"):
        figures([row("a", "fear", face("fear"))], SUITE.model_copy(update={"heat": str(tmp_path)}))


@pytest.mark.parametrize("content", [b"no array", None])
def test_a_map_that_is_none_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is None:
        np.save(tmp_path / "a.npy", np.full((3, 3), np.nan))
    else:
        (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.npy: "):
        figures(answered(SURE, LESS, LITTLE), SUITE.model_copy(update={"heat": str(tmp_path)}))
