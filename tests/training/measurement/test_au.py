"""The fit of the measured action units, from faces that were found before to the files it writes.

The faces are made: AU 12 lifts the corners of their mouths, AU 4 leaves no trace, so that only one can be learned.
Nothing is rendered: the pictures of a data set are told of in `samples.jsonl`, and the faces found in them are in a
cache that `measured.measure` reads.
"""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pytest

from facevlm.data import ferplus
from facevlm.data.sample import Sample, write_samples
from facevlm.errors import InputError
from facevlm.faces import regressor
from facevlm.faces.appearance import PATCHES, SIDE
from facevlm.faces.pose import mean_face
from facevlm.training import recipe
from facevlm.training.measurement import au, folds, networks
from facevlm.training.measurement.measured import Measured
from facevlm.training.measurement.reliability import Reliability
from facevlm.types import AU_CODES, EMOTIONS

RECIPE = """
renders: {faces: 1200}
brow: 4
shape: 12
skin: 2
skin_epochs: 1
hidden: [32]
epochs: 12
batch: 64
dropout: 0.05
least_present: 5
fewest: 50
"""
RENDERED, REAL = 1200, 600
NAMES = np.array([f"fer{index:07}.png" for index in range(REAL)])
READABLE, UNREADABLE = AU_CODES.index(12), AU_CODES.index(4)
CORNERS = {"left": [291, 375, 409], "right": [61, 146, 185]}


class Fitted(NamedTuple):
    found: dict[int, Reliability]
    regressor: regressor.Regressor
    table: dict[int, dict[str, Any]]
    folder: Path
    rendered: dict[str, int]  # how many synthetic faces each step was given
    real: list[int]  # how many real ones each fit was given, in their order
    folds: tuple[regressor.Regressor, ...]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder in which all faces were found, FER+ at rest, and a recipe for a small network."""
    folder = tmp_path_factory.mktemp("au")
    (folder / "recipe.yaml").write_text(RECIPE)
    resting_ferplus(folder)
    (folder / "faces").mkdir()
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 1, (RENDERED, 2, 2))  # face, side, unit: each unit on half of the faces, some one-sided
    truth *= (rng.random((RENDERED, 1, 2)) < 0.5) & (rng.random((RENDERED, 2, 1)) < 0.8)
    write_samples(folder / "faces" / "samples.jsonl", map(sample, range(RENDERED), truth))
    found(folder / "faces.npz", smiling(truth[..., 0], rng), rng)
    return folder


@pytest.fixture(scope="module")
def fitted(made: Path) -> Fitted:
    with pytest.MonkeyPatch.context() as patch:
        folder, (rendered, real) = outside_the_package(patch, made), counted(patch)
        found = run(made)
        fitted = Fitted(found, regressor.regressor(), regressor.table(), folder, rendered, real, folds.networks())
    regressor.regressor.cache_clear()
    regressor.table.cache_clear()
    folds.networks.cache_clear()
    return fitted


def test_what_the_mesh_shows_is_learned_and_measured(fitted: Fitted) -> None:
    assert fitted.found[12].auc > 0.9
    assert fitted.table[12]["measured"]


def test_what_leaves_no_trace_is_not_measured(fitted: Fitted) -> None:
    assert fitted.found[4].auc < 0.75
    assert not fitted.table[4]["measured"]


def test_what_no_face_shows_is_not_measured(fitted: Fitted) -> None:
    assert fitted.found[43].present == 0
    assert not fitted.table[43]["measured"]


def test_the_side_that_moved_is_told_from_the_other(fitted: Fitted) -> None:
    assert fitted.found[12].sides > 0.95


def test_a_difference_that_is_seen_is_believed(fitted: Fitted) -> None:
    kept = dict(zip(AU_CODES, fitted.regressor.kept, strict=True))
    assert kept[12] > 0.8 > 0.6 > kept[4]


def test_people_left_out_are_not_fitted_on(fitted: Fitted) -> None:
    assert fitted.rendered == {"projections": RENDERED * 9 // 10, "fit": RENDERED * 9 // 10}


def test_after_the_network_that_ships_each_fold_has_one_that_its_faces_were_kept_from(fitted: Fitted) -> None:
    of_fold = np.bincount(folds.of(NAMES) + 1)[1:]
    assert fitted.real[1:] == [of_fold.sum() - count for count in of_fold]
    assert fitted.real[0] == of_fold.sum() * 4 // 5


def test_the_networks_of_folds_tell_the_same_of_other_faces(fitted: Fitted, made: Path) -> None:
    strengths = [measured_again(each, made / "faces.npz")[..., READABLE] for each in fitted.folds]
    assert len({each.tobytes() for each in strengths}) == folds.COUNT
    assert np.corrcoef([each.ravel() for each in strengths]).min() > 0.97


def test_reliability_is_that_of_combinations_on_moderately_turned_people_left_out(fitted: Fitted, made: Path) -> None:
    of_people_left_out = [each["details"] for each in told(made) if int(each["group"].split("-")[1]) % 10 == 0]
    judged = [each for each in of_people_left_out if each["kind"] == "random" and abs(each["pose"]["yaw"]) <= 30]
    assert len(judged) == len(of_people_left_out) / 2
    assert fitted.found[12].present == sum(max(each["moves"]["12"]) >= 0.2 for each in judged)


def test_the_knots_of_every_action_unit_rise(fitted: Fitted) -> None:
    assert (np.diff(fitted.regressor.knots, axis=1) > 0).all()


def test_resting_faces_are_under_the_threshold_but_for_three_in_a_hundred(fitted: Fitted, made: Path) -> None:
    strengths = measured_again(fitted.regressor, made / "real.npz")
    assert np.mean(strengths[..., UNREADABLE] < 0.2) == pytest.approx(0.97, abs=0.03)
    assert np.median(strengths[..., READABLE]) == pytest.approx(0.05, abs=0.02)


def test_what_is_told_apart_well_begins_where_it_is_truly_there(fitted: Fitted, made: Path) -> None:
    """Resting faces alone would have it begin at a trace."""
    assert np.mean(measured_again(fitted.regressor, made / "real.npz")[..., READABLE] < 0.2) > 0.98
    truth = np.array([each["details"]["moves"]["12"] for each in told(made)])
    strengths = measured_again(fitted.regressor, made / "faces.npz")[..., READABLE]
    traces = (truth > 0.03) & (truth < 0.12)
    assert np.mean(strengths[traces] < 0.2) > 0.8


def test_resting_lips_are_often_apart_in_truth(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit that `at_rest` names begins to be present where more resting faces reach."""
    outside_the_package(monkeypatch, tmp_path)
    (tmp_path / "recipe.yaml").write_text(f"{RECIPE}at_rest: {{4: 80}}\n")
    run(made, tmp_path / "recipe.yaml")
    strengths = measured_again(regressor.from_arrays(dict(np.load(regressor.WEIGHTS))), made / "real.npz")
    assert np.mean(strengths[..., UNREADABLE] >= 0.2) == pytest.approx(0.2, abs=0.06)


def test_faces_at_grade_e_measure_near_the_top(fitted: Fitted, made: Path) -> None:
    truth = np.array([each["details"]["moves"]["12"] for each in told(made)])
    strengths = measured_again(fitted.regressor, made / "faces.npz")[..., READABLE]
    assert strengths[truth >= 0.8].mean() > 0.7


def test_the_files_are_written_whole_and_nothing_beside_them(fitted: Fitted) -> None:
    assert {file.name for file in fitted.folder.iterdir()} == {"action_units.npz", "action_units.json", "folds.npz"}
    assert tuple(fitted.table) == AU_CODES
    assert fitted.regressor.raw(np.zeros((1, 4 + 12 + 2 * len(PATCHES) + 3), np.float32)).shape == (1, len(AU_CODES))


def test_the_table_says_what_was_found(fitted: Fitted) -> None:
    assert fitted.table[12]["auc"] == pytest.approx(fitted.found[12].auc, abs=0.001)
    assert fitted.table[12]["present"] == fitted.found[12].present
    assert fitted.table[12]["threshold"] == 0.2


def test_a_fit_whose_files_cannot_be_written_leaves_those_that_were_there(
    fitted: Fitted, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = outside_the_package(monkeypatch, tmp_path)
    regressor.WEIGHTS.write_bytes(b"before")

    def full(file: BinaryIO, **_arrays: object) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="No space left"):
        au._write(fitted.regressor, fitted.found, recipe.read(made / "recipe.yaml", recipe.ActionUnits))
    assert (folder / "action_units.npz").read_bytes() == b"before"


def test_too_few_resting_faces_are_an_error_that_changes_nothing(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = outside_the_package(monkeypatch, tmp_path)
    config = tmp_path / "recipe.yaml"
    config.write_text(RECIPE.replace("fewest: 50", "fewest: 5000"))
    with pytest.raises(InputError, match=r": \d+ resting faces are too few to fit on; 5000 are needed at least"):
        run(made, config)
    assert list(folder.iterdir()) == []


def test_faces_held_out_for_choosing_models_are_not_fitted_on(made: Path, tmp_path: Path) -> None:
    config = tmp_path / "recipe.yaml"
    config.write_text(RECIPE.replace("fewest: 50", "fewest: 5000"))
    with pytest.raises(InputError, match=f": {(~ferplus.held_out(NAMES)).sum()} resting faces"):
        run(made, config)


def test_networks_of_the_skin_are_fitted_once_and_anew_with_other_settings(
    fitted: Fitted, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside_the_package(monkeypatch, tmp_path)
    (kept,) = made.glob("skin-*.pt")
    written = kept.stat().st_mtime_ns
    run(made)
    assert kept.stat().st_mtime_ns == written
    (tmp_path / "recipe.yaml").write_text(RECIPE.replace("skin: 2", "skin: 3"))
    run(made, tmp_path / "recipe.yaml")
    assert len(list(made.glob("skin-*.pt"))) == 2


def test_a_recipe_with_an_unknown_key_is_refused_in_one_line(made: Path, tmp_path: Path) -> None:
    config = tmp_path / "recipe.yaml"
    config.write_text(RECIPE + "layers: 3\n")
    with pytest.raises(
        InputError, match=r"recipe\.yaml: layers: .*known keys: renders, usual, brow, shape, skin"
    ) as caught:
        run(made, config)
    assert "\n" not in str(caught.value)


def test_the_recipe_that_ships_is_good() -> None:
    shipped = recipe.read(regressor.WEIGHTS.with_suffix(".recipe.yaml"), recipe.ActionUnits)
    assert shipped.least_auc >= 0.75


def run(made: Path, config: Path | None = None) -> dict[int, Reliability]:
    """Fit on what was made. Rendering is passed over: its result is there, and it would take a rig and minutes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(au.produce, "produce", lambda *_: None)
        return au.run(config or made / "recipe.yaml", made / "no-rig.npz", made, made)


def counted(patch: pytest.MonkeyPatch) -> tuple[dict[str, int], list[int]]:
    """How many synthetic faces the two steps that fit anything are given, once they ran; and real ones each fit."""
    projections, fit, counts = au._projections, networks.fit, {}
    given: list[int] = []

    def counting_projections(chosen: recipe.ActionUnits, renders: Measured, real: Measured) -> Any:
        counts["projections"] = len(renders)
        return projections(chosen, renders, real)

    def counting_fit(blank: Any, renders: networks.Renders, real: networks.Real, chosen: recipe.ActionUnits) -> Any:
        counts["fit"] = len(renders.features)
        given.append(len(real.features))
        return fit(blank, renders, real, chosen)

    patch.setattr(au, "_projections", counting_projections)
    patch.setattr(networks, "fit", counting_fit)
    return counts, given


def outside_the_package(patch: pytest.MonkeyPatch, parent: Path) -> Path:
    """Where the fitted files go instead of the package."""
    folder = parent / "written"
    folder.mkdir()
    patch.setattr(regressor, "WEIGHTS", folder / "action_units.npz")
    patch.setattr(regressor, "TABLE", folder / "action_units.json")
    patch.setattr(folds, "FILE", folder / "folds.npz")
    return folder


def resting_ferplus(folder: Path) -> None:
    """FER+ of blank pictures, all called neutral but the held-out ones, and the faces found in the others."""
    held_out = ferplus.held_out(NAMES)
    votes = np.zeros((REAL, 10), np.uint8)
    votes[~held_out, EMOTIONS.index("neutral")] = votes[held_out, EMOTIONS.index("happiness")] = 10
    np.savez(folder / "train-0.npz", image=np.zeros((REAL, 48, 48), np.uint8), name=NAMES, votes=votes)
    rng = np.random.default_rng(1)
    found(folder / "real.npz", smiling(np.zeros((int((~held_out).sum()), 2)), rng), rng)


def sample(index: int, sides: np.ndarray) -> Sample:
    """The truth of one made face: (left, right) of AU 12 and of AU 4."""
    details = {
        "moves": {"12": sides[:, 0].tolist(), "4": sides[:, 1].tolist()},
        "kind": "single" if index // 10 % 4 == 0 else "random",
        "pose": {"yaw": 40.0 if index // 10 % 4 == 1 else -20.0},
    }
    return Sample(id=str(index), source="synth/faces", image=f"{index}.jpg", group=f"0-{index}", details=details)


def smiling(strength: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Meshes that lift the corners of the mouth by (left, right) strengths."""
    meshes = mean_face() + rng.normal(0, 0.005, (len(strength), 478, 3))
    for side, corners in enumerate(CORNERS.values()):
        meshes[:, corners, 1] += 0.12 * strength[:, side, None]
    return meshes


def found(file: Path, frontal: np.ndarray, rng: np.random.Generator) -> None:
    """A cache of faces with these meshes, whose skin tells nothing."""
    count = len(frontal)
    skin = rng.integers(0, 256, (count, 2, len(PATCHES), SIDE, SIDE), np.uint8)
    columns = (frontal.astype(np.float32), rng.uniform(-20, 20, (count, 3)).astype(np.float32), skin, np.arange(count))
    np.savez(file, **dict(zip((each.name for each in fields(Measured)), columns, strict=True)))


def measured_again(fitted: regressor.Regressor, file: Path) -> np.ndarray:
    """Strengths, (n, 2, 24), of the faces in a cache."""
    with np.load(file) as arrays:
        described = fitted.describe(arrays["frontal"], arrays["pose"], arrays["patches"])
    return fitted.strengths(fitted.evened(fitted.raw(described)))


def told(made: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (made / "faces" / "samples.jsonl").read_text().splitlines()]
