"""The network behind the measured action units: what it is given, what its outputs stand for, the file it ships as."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facevlm.faces import regressor
from facevlm.faces.appearance import PATCHES, SIDE
from facevlm.faces.pose import LEFT_EYE_OUTER, RIGHT_EYE_OUTER, mean_face
from facevlm.faces.regressor import (
    UPPER,
    VALUES,
    Layers,
    Projection,
    Regressor,
    columns,
    from_arrays,
    mirrored,
    seen,
    to_arrays,
    upper_points,
)
from facevlm.types import AU_CODES

BROW, SHAPE, SKIN, CHANNELS, HIDDEN = 4, 5, 3, 2, 7
FEATURES = BROW + SHAPE + len(PATCHES) * SKIN + 3


def made(seed: int = 0) -> Regressor:
    """A small regressor of random weights; its knots are 0, 1, 2, 3, 4 for the first unit, ten more for the next."""
    rng = np.random.default_rng(seed)

    def some(*size: int) -> np.ndarray:
        return rng.normal(size=size).astype(np.float32)

    def projection(points: int, kept: int) -> Projection:
        return Projection(some(points * 3), some(points * 3, kept), np.ones(kept, np.float32))

    def layers(seen: np.ndarray, told: np.ndarray) -> Layers:
        return (some(HIDDEN, seen.sum()), some(HIDDEN)), (some(told.sum(), HIDDEN), some(told.sum()))

    kernels, last = some(len(PATCHES), 9, CHANNELS), some(len(PATCHES), CHANNELS * (SIDE // 2) ** 2, SKIN) / SIDE
    skin = (kernels, some(len(PATCHES), 1, CHANNELS)), (last, some(len(PATCHES), 1, SKIN))
    upper, lower = map(layers, columns(BROW, SHAPE, SKIN), (UPPER, ~UPPER))
    knots = np.arange(5) + 10 * np.arange(len(AU_CODES))[:, None]
    brow, shape = projection(int(upper_points().sum()), BROW), projection(478, SHAPE)
    return Regressor(brow, shape, skin, upper, lower, rng.random(len(AU_CODES), np.float32), knots.astype(np.float32))


def faces(count: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Made meshes, poses and patches."""
    rng = np.random.default_rng(1)
    frontal = mean_face() + rng.normal(0, 0.02, (count, 478, 3))
    patches = rng.integers(0, 256, (count, 2, len(PATCHES), SIDE, SIDE), np.uint8)
    return frontal.astype(np.float32), rng.uniform(-30, 30, (count, 3)).astype(np.float32), patches


def test_a_regressor_is_the_same_after_it_was_written_and_read(tmp_path: Path) -> None:
    fitted, file = made(), tmp_path / "weights.npz"
    np.savez_compressed(file, **to_arrays(fitted))
    with np.load(file) as arrays:
        again = from_arrays(dict(arrays))
    assert np.array_equal(again.raw(again.describe(*faces())), fitted.raw(fitted.describe(*faces())))
    assert np.array_equal(again.knots, fitted.knots)
    assert np.array_equal(again.kept, fitted.kept)


def test_each_half_of_a_face_is_described_by_shape_skin_and_pose() -> None:
    features = made().describe(*faces(count=4))
    assert features.shape == (4, 2, FEATURES)
    assert features.dtype == np.float32


def test_a_face_in_a_mirror_is_described_with_its_halves_exchanged() -> None:
    frontal, pose, patches = faces()
    in_a_mirror = made().describe(mirrored(frontal), pose * np.array((-1, 1, -1), np.float32), patches[:, ::-1])
    assert np.allclose(in_a_mirror, made().describe(frontal, pose, patches)[:, ::-1], atol=1e-4)


def test_every_output_is_one_action_unit_of_one_half() -> None:
    assert made().raw(made().describe(*faces(count=4))).shape == (4, 2, len(AU_CODES))


def test_what_brows_show_is_told_from_brows_and_eyes_alone() -> None:
    frontal, pose, patches = faces()
    moved, other = frontal.copy(), patches.copy()
    moved[:, ~upper_points()] += 0.1
    hidden = [name not in ("eye", "knot") for name in PATCHES]
    other[:, :, hidden] = other[:, :, hidden][..., ::-1]
    before, after = (made().raw(made().describe(*face)) for face in ((frontal, pose, patches), (moved, pose, other)))
    same = np.isclose(before, after, atol=1e-4).all((0, 1))
    assert (same == UPPER).all()
    assert [code for code, upper in zip(AU_CODES, UPPER, strict=True) if upper] == [1, 2, 4, 5, 7, 43]


def test_the_light_and_contrast_of_a_patch_tell_nothing() -> None:
    patches = faces()[2][:, 0] // 4
    brighter = seen(made().skin, 2 * patches + 60)
    assert brighter == pytest.approx(seen(made().skin, patches), abs=0.35 * np.ptp(brighter))
    assert seen(made().skin, np.full_like(patches, 9)) == pytest.approx(seen(made().skin, np.full_like(patches, 200)))


def test_of_a_difference_of_the_halves_the_share_that_is_kept_remains() -> None:
    each = np.stack([np.full(len(AU_CODES), 0.8, np.float32), np.full(len(AU_CODES), 0.2, np.float32)])
    told = made().evened(each)
    assert told.mean(0) == pytest.approx(each.mean(0))
    assert told[0] - told[1] == pytest.approx(0.6 * made().kept, abs=1e-6)


def test_outputs_at_the_knots_are_the_strengths_the_knots_stand_for() -> None:
    assert np.allclose(made().strengths(made().knots.T), np.array(VALUES)[:, None], atol=1e-6)


def test_between_the_knots_strengths_rise_in_straight_lines() -> None:
    halfway = (made().knots[:, 2] + made().knots[:, 3]) / 2
    assert np.allclose(made().strengths(halfway), (VALUES[2] + VALUES[3]) / 2, atol=1e-6)


def test_a_higher_output_is_never_a_lower_strength_and_none_leaves_0_to_1() -> None:
    outputs = np.linspace(-1000, 1000, 4001, dtype=np.float32)
    strengths = made().strengths(np.repeat(outputs[:, None], len(AU_CODES), axis=1))
    assert (np.diff(strengths, axis=0) >= 0).all()
    assert strengths.min() == 0
    assert strengths.max() == 1


def test_a_mesh_mirrored_twice_is_the_mesh() -> None:
    frontal, _, _ = faces()
    assert np.array_equal(mirrored(mirrored(frontal)), frontal)


def test_in_a_mirror_what_was_left_is_right() -> None:
    frontal = mean_face()[None].copy()
    frontal[0, LEFT_EYE_OUTER, 1] += 0.1
    flipped = mirrored(frontal)[0]
    assert flipped[RIGHT_EYE_OUTER, 1] == frontal[0, LEFT_EYE_OUTER, 1]
    assert flipped[RIGHT_EYE_OUTER, 0] == -frontal[0, LEFT_EYE_OUTER, 0]
    assert flipped[LEFT_EYE_OUTER, 1] == frontal[0, RIGHT_EYE_OUTER, 1]


def test_the_regressor_that_ships_is_small_and_measures_every_action_unit_of_both_halves() -> None:
    shipped = regressor.regressor()
    strengths = shipped.strengths(shipped.raw(shipped.describe(*faces(count=3))))
    assert regressor.WEIGHTS.stat().st_size <= 6_500_000
    assert strengths.shape == (3, 2, len(AU_CODES))
    assert np.isfinite(strengths).all()


def test_the_knots_that_ship_rise() -> None:
    assert (np.diff(regressor.regressor().knots, axis=1) > 0).all()


def test_the_table_tells_of_every_action_unit_how_reliable_it_is() -> None:
    assert tuple(regressor.table()) == AU_CODES
    told = {"threshold", "measured", "auc", "f1", "correlation", "sides", "present"}
    assert all(set(row) >= told for row in regressor.table().values())


def test_at_least_twenty_action_units_are_measured() -> None:
    assert sum(row["measured"] for row in regressor.table().values()) >= 20


@pytest.mark.parametrize("code", AU_CODES)
def test_an_action_unit_is_measured_only_where_it_is_told_apart(code: int) -> None:
    row = regressor.table()[code]
    assert not row["measured"] or (row["auc"] >= 0.75 and row["present"] >= 20)
    assert 0 < row["threshold"] < 1
