"""What an answer rests on: a judge whose reasons are known, maps by hand, scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from sklearn.metrics import jaccard_score
from sklearn.metrics.pairwise import cosine_similarity

from facevlm.errors import InputError
from facevlm.evaluation.metrics import attribution
from facevlm.evaluation.metrics.attribution import GREY, Mask, Pixels, Region
from facevlm.faces import decode, find
from facevlm.types import AU_CODES, Landmarks

SHAPE = (200, 200)


@pytest.fixture(scope="module")
def where(request: pytest.FixtureRequest) -> dict[Region, Mask]:
    """The regions of a real face, laid on 200 × 200 pixels."""
    (face,) = find(decode(request.getfixturevalue("astronaut")))
    points = face.landmarks.points
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    scaled = np.array(points)
    scaled[:, :2] = (points[:, :2] - low) / (high - low) * 160 + 20
    return attribution.masks(attribution.places(Landmarks(points=scaled)), SHAPE)


def mouth_lover(region: Mask) -> attribution.Judge:
    """A judge that is as sure as a region is bright."""

    def judge(pictures: Sequence[Pixels]) -> list[float]:
        return [float(picture[region].mean()) / 255 for picture in pictures]

    return judge


def test_every_unit_has_a_region_within_the_face(where: dict[Region, Mask]) -> None:
    assert sorted(code for region in where for code in region) == sorted(AU_CODES)
    assert all(mask.any() and mask.mean() < 0.25 for mask in where.values())


def test_the_brow_is_over_the_mouth(where: dict[Region, Mask]) -> None:
    rows = {codes: np.nonzero(mask)[0].mean() for codes, mask in where.items()}
    of = {code: row for codes, row in rows.items() for code in codes}
    assert of[1] < of[5] < of[9] < of[12] < of[17]


def test_units_of_the_same_place_share_a_region() -> None:
    assert (18, 22, 23) in attribution.regions()


def test_the_region_that_the_judge_looks_at_costs_most(where: dict[Region, Mask]) -> None:
    mouth = next(region for region in where if 12 in region)
    white = np.full((*SHAPE, 3), 255, np.uint8)
    drops = attribution.occlusion(mouth_lover(where[mouth]), white, where)
    assert max(drops, key=lambda region: drops[region]) == mouth
    assert drops[mouth] == pytest.approx(1 - GREY / 255)
    brow = next(region for region in where if 2 in region)
    assert drops[brow] == 0


def test_the_judge_is_asked_once() -> None:
    asked = []

    def judge(pictures: Sequence[Pixels]) -> list[float]:
        asked.append(len(pictures))
        return [0.0] * len(pictures)

    attribution.occlusion(
        judge, np.zeros((2, 2, 3), np.uint8), {(1,): np.ones((2, 2), bool), (2,): np.eye(2, dtype=bool)}
    )
    assert asked == [3]


def test_heat_is_the_mean_of_what_the_regions_at_a_pixel_cost() -> None:
    regions = {(1,): np.array([[1, 1, 0, 0]], bool), (2,): np.array([[0, 1, 1, 0]], bool)}
    assert attribution.heat({(1,): 0.4, (2,): 0.2}, regions) == pytest.approx(np.array([[0.4, 0.3, 0.2, 0]]))
    assert attribution.heat({(1,): 0.4, (2,): -0.2}, regions) == pytest.approx(np.array([[0.4, 0.2, 0, 0]]))


def test_maps_are_compared_by_hand() -> None:
    units = np.array([[1, 1, 0, 0]], bool)
    warm = np.array([[2.0, 0.5, 1, 0]])  # hot, from half its maximum: the first and the third
    assert attribution.iou(warm, units) == 1 / 3
    assert attribution.cosine(np.array([[1.0, 0, 0, 0]]), units) == pytest.approx(1 / np.sqrt(2))
    assert attribution.cosine(np.array([[0.0, 0, 0, 1]]), units) == 0


def test_maps_are_compared_as_scikit_learn_does() -> None:
    rng = np.random.default_rng(0)
    heat, units = rng.random((20, 20)), rng.random((20, 20)) < 0.3
    theirs = cosine_similarity(heat.reshape(1, -1), units.reshape(1, -1).astype(float))[0, 0]
    assert attribution.cosine(heat, units) == pytest.approx(theirs, abs=1e-9)
    hot = heat >= heat.max() / 2
    assert attribution.iou(heat, units) == pytest.approx(jaccard_score(units.ravel(), hot.ravel()), abs=1e-9)


def test_a_map_without_heat_points_nowhere_and_does_not_count() -> None:
    units = np.array([[True, False]])
    measure = attribution.pointing([(np.zeros((1, 2)), units), (np.array([[1.0, 0]]), units)])
    assert measure.value.tolist() == [1, 1]
    assert measure.n == 1


def test_units_are_mapped_to_all_their_places(where: dict[Region, Mask]) -> None:
    both = attribution.unit_map((1, 12), where)
    assert both.sum() == pytest.approx(sum(attribution.unit_map([code], where).sum() for code in (1, 12)))


def test_a_face_that_shows_no_unit_has_no_map(where: dict[Region, Mask]) -> None:
    with pytest.raises(InputError, match="leave out faces"):
        attribution.unit_map((), where)


def test_a_map_of_another_size_is_refused() -> None:
    with pytest.raises(InputError, match="resize it"):
        attribution.cosine(np.zeros((2, 2)), np.zeros((3, 3), bool))
