"""The report on the measured action units: what computes its figures, on cases worked by hand."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import numpy as np
import pytest

from facevlm.config import asset_dir
from facevlm.faces import action_units
from facevlm.types import AU_CODES, EMOTIONS


@pytest.fixture(scope="module")
def report() -> ModuleType:
    spec = importlib.util.spec_from_file_location("action_units_report", asset_dir("evals") / "action_units.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def faces(count: int, **strengths: float) -> np.ndarray:
    """The strongest side of every unit, (count, 24), around what is given as `au12=0.5`; the others are at 0.05."""
    made = np.random.default_rng(0).normal(0.05, 0.02, (count, len(AU_CODES)))
    for name, strength in strengths.items():
        made[:, AU_CODES.index(int(name.removeprefix("au")))] += strength - 0.05
    return made.astype(np.float32)


def labelled(**counts: int) -> np.ndarray:
    """So many faces of each emotion, one emotion after the other."""
    return np.repeat([EMOTIONS.index(name) for name in counts], list(counts.values()))


def test_a_difference_of_means_lies_in_its_interval(report: ModuleType) -> None:
    rng = np.random.default_rng(1)
    low, high = report.difference(rng.normal(0.5, 0.1, 400), rng.normal(0.2, 0.1, 900), rng)
    assert low < 0.3 < high
    assert high - low == pytest.approx(4 * 0.1 * np.sqrt(1 / 400 + 1 / 900), rel=0.25)


def test_faces_that_do_not_differ_have_zero_in_the_interval(report: ModuleType) -> None:
    rng = np.random.default_rng(2)
    same = rng.normal(0.3, 0.1, 500)
    low, high = report.difference(same, same, rng)
    assert low < 0 < high


def test_the_mean_auc_lies_in_its_interval(report: ModuleType) -> None:
    rng = np.random.default_rng(3)
    truth = np.zeros((600, 2, 1))
    truth[:200] = 0.5
    values = truth + rng.normal(0, 0.5, truth.shape)
    low, high = report.bootstrap(values, truth)
    most = values.max(1)[:, 0]
    assert low < np.mean(most[:200, None] > most[None, 200:]) < high
    assert high - low < 0.15


def test_a_table_is_markdown(report: ModuleType) -> None:
    assert report.markdown(("what", "figure"), [("faces", "3"), ("units", "24")]) == (
        "| what | figure |\n| --- | --- |\n| faces | 3 |\n| units | 24 |"
    )


def test_an_emotion_of_a_hundred_faces_or_more_has_a_target_and_a_rarer_one_has_none(report: ModuleType) -> None:
    labels = labelled(neutral=200, happiness=100, anger=99, surprise=100, sadness=100, disgust=30, fear=100)
    targets = {row[0]: row[2] for row in report.on_emotions(faces(len(labels)), labels)}
    assert targets["FER+ happiness against neutral, AU 12"] == "above 0"
    assert targets["FER+ anger against neutral, AU 4"] == "reported: 99 faces"
    assert targets["FER+ disgust against neutral, AU 9"] == "reported: 30 faces"


def test_an_emotions_difference_is_that_of_its_own_units(report: ModuleType) -> None:
    labels = labelled(neutral=200, happiness=150, anger=150, surprise=150, sadness=150, disgust=150, fear=150)
    strongest = faces(len(labels))
    strongest[labels == EMOTIONS.index("happiness")] = faces(150, au12=0.45)
    strongest[labels == EMOTIONS.index("surprise")] = faces(150, au1=0.15, au2=0.15, au26=0.15)
    told = {row[0]: row[1] for row in report.on_emotions(strongest, labels)}
    assert told["FER+ happiness against neutral, AU 12"].startswith(("+0.39", "+0.40"))
    assert told["FER+ surprise against neutral, AU 1+2+26"].startswith(("+0.29", "+0.30"))
    low, high = told["FER+ anger against neutral, AU 4"].partition("(")[2].rstrip(")").split(" to ")
    assert float(low) < 0.01
    assert float(high) > -0.01


def test_neutrals_are_quiet_where_a_measured_value_is_under_a_quarter(report: ModuleType) -> None:
    labels = labelled(neutral=100, happiness=50)
    strongest = faces(150)
    strongest[:30, AU_CODES.index(12)] = 0.25
    strongest[100:] = 1.0  # of other faces nothing counts
    (_, share, target), (_, lowest, _) = report.on_neutrals(strongest, labels)
    values = 100 * len(action_units.measured_codes())
    assert share.endswith(f"{values - 30:,} of {values:,})")
    assert target == "0.95"
    assert lowest == "0.700 (AU 12)"


def test_of_units_that_are_not_measured_neutrals_tell_nothing(
    report: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(action_units, "measured_codes", lambda: (1, 2))
    ((_, share, _), _) = report.on_neutrals(faces(10, au12=0.9), labelled(neutral=10))
    assert share.startswith("1.000")
    assert share.endswith("20 of 20)")


def test_sides_are_told_of_one_sided_faces_alone(report: ModuleType) -> None:
    truth = np.zeros((8, 2, len(AU_CODES)))
    rows = [AU_CODES.index(code) for code in (12, 14, 2, 4)]
    truth[:4, 0, rows] = 0.9  # left
    truth[4:6, 1, rows] = 0.9  # right
    truth[6, :, rows] = 0.9  # both
    values = truth.copy()
    values[0] = values[0, ::-1]
    told = {name: share for name, share, _ in report.sides(values, truth)}
    assert told["side of one-sided AU 12"].endswith("5 of 6)")


def test_every_action_unit_has_a_row_and_one_without_sides_tells_none(report: ModuleType) -> None:
    rng = np.random.default_rng(4)
    truth = rng.uniform(0, 1, (60, 2, len(AU_CODES))) * (rng.random((60, 2, len(AU_CODES))) < 0.5)
    rows = {row[0]: dict(zip(report.UNIT_COLUMNS, row, strict=True)) for row in report.units(truth, truth)}
    assert list(rows) == [str(code) for code in AU_CODES]
    assert rows["12"]["AUC"] == "1.000"
    assert rows["12"]["one-sided: side right"] == "1.00"
    assert rows["25"]["one-sided: side right"] == "–"
