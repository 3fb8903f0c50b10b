from __future__ import annotations

import numpy as np

from facevlm.data import ferplus
from facevlm.faces.regressor import regressor
from facevlm.training.measurement import folds

NAMES = np.array([f"fer{index:07}.png" for index in range(3000)])


def test_every_face_that_anything_is_fitted_on_is_in_one_of_three_folds_as_large_as_each_other() -> None:
    fold = folds.folds(NAMES)
    assert ((fold == -1) == ferplus.held_out(NAMES)).all()
    assert (np.abs(np.bincount(fold + 1)[1:] / len(NAMES) - 0.3) < 0.03).all()


def test_a_face_stays_in_its_fold_whichever_others_are_there() -> None:
    assert (folds.folds(NAMES[::-7]) == folds.folds(NAMES)[::-7]).all()


def test_the_networks_that_ship_differ_in_what_was_fitted_and_share_what_describes_faces() -> None:
    shipped, by_fold = regressor(), folds.networks()
    for each in by_fold:
        assert np.array_equal(each.shape.basis, shipped.shape.basis)
        assert (np.diff(each.knots, axis=1) > 0).all()
    assert len({each.upper[0][0].tobytes() for each in (shipped, *by_fold)}) == 1 + folds.COUNT
