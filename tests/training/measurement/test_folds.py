from __future__ import annotations

from pathlib import Path

import numpy as np

from facevlm.data import ferplus
from facevlm.faces import decode, find
from facevlm.faces.action_units import measure_action_units, measured_codes
from facevlm.faces.pose import frontalise
from facevlm.faces.regressor import regressor
from facevlm.training.measurement import folds

NAMES = np.array([f"fer{index:07}.png" for index in range(3000)])


def test_every_face_that_anything_is_fitted_on_is_in_one_of_three_folds_as_large_as_each_other() -> None:
    fold = folds.of(NAMES)
    assert ((fold == -1) == ferplus.held_out(NAMES)).all()
    assert (np.abs(np.bincount(fold + 1)[1:] / len(NAMES) - 0.3) < 0.03).all()


def test_a_face_stays_in_its_fold_whichever_others_are_there() -> None:
    assert (folds.of(NAMES[::-7]) == folds.of(NAMES)[::-7]).all()


def test_the_networks_that_ship_differ_in_what_was_fitted_and_share_what_describes_faces() -> None:
    shipped, by_fold = regressor(), folds.networks()
    for each in by_fold:
        assert np.array_equal(each.shape.basis, shipped.shape.basis)
        assert (np.diff(each.knots, axis=1) > 0).all()
    assert len({each.upper[0][0].tobytes() for each in (shipped, *by_fold)}) == 1 + folds.COUNT


def test_of_a_photograph_that_none_was_fitted_on_all_networks_tell_about_the_same(astronaut: Path) -> None:
    """They share projections, so those of another fit would tell nonsense."""
    picture = decode(astronaut)
    (face,) = find(picture)
    points, grey = face.landmarks.points, np.asarray(picture.image.convert("L"))
    told = [measure_action_units(grey, points, *frontalise(points), each) for each in (regressor(), *folds.networks())]
    values = np.array([[units[code].value for code in measured_codes()] for units in told])
    assert np.corrcoef(values)[0].min() > 0.9
    assert np.abs(values - values[0]).mean() < 0.06
