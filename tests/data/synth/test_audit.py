"""The made faces of the audit: one factor varies, everything else is held."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facevlm.data.sample import Sample
from facevlm.data.synth import audit
from facevlm.data.synth.audit import BACKDROP, EXPRESSION, FACTORS, HELD, Shown, table
from facevlm.errors import InputError

VARIED = (
    Shown(0, "happiness", EXPRESSION, HELD),
    Shown(0, "fear", EXPRESSION, HELD),
    Shown(0, "happiness", "skin tone", "1 lightest"),
    Shown(0, "happiness", "skin tone", "6 darkest"),
    Shown(0, "happiness", "light", "dim"),
    Shown(0, "happiness", "pose", "30° left"),
    Shown(0, "happiness", "face shape", "shape 1"),
)


@pytest.fixture(scope="module")
def folder(renders: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made")
    (out / "images").mkdir()
    return out


@pytest.fixture(scope="module")
def drawn(rig_file: Path, folder: Path) -> dict[Shown, Sample]:
    return dict(zip(VARIED, audit.drawn(rig_file, folder, list(VARIED)), strict=True))


def _pixels(folder: Path, sample: Sample) -> np.ndarray:
    return np.asarray(Image.open(folder / sample.image)).astype(int)


def _outline(folder: Path, sample: Sample) -> np.ndarray:
    return np.abs(_pixels(folder, sample) - BACKDROP).max(-1) > 30


def _extent(outline: np.ndarray) -> np.ndarray:
    """First and last column and row; inside, skin may be as grey as the backdrop."""
    return np.array([each for axis in (0, 1) for each in np.flatnonzero(outline.any(axis))[[0, -1]]])


def _differ(one: np.ndarray, other: np.ndarray) -> float:
    return float((one != other).mean())


def test_every_person_shows_every_expression_once_at_every_level() -> None:
    pictures = list(audit.pictures(3))
    levels = 1 + sum(len(table().levels(each)) for each in FACTORS) - len(table().held)
    assert len({each.name for each in pictures}) == len(pictures) == 3 * 8 * levels
    assert set(Counter((each.person, each.emotion) for each in pictures).values()) == {levels}


def test_what_is_shown_is_the_same_at_every_level(drawn: dict[Shown, Sample]) -> None:
    happy = [sample for shown, sample in drawn.items() if shown.emotion == "happiness" and shown.factor != "face shape"]
    assert all(sample.aus == happy[0].aus for sample in happy)
    present = {code for code, label in (happy[0].aus or {}).items() if label.present}
    assert {6, 12} <= present


def test_a_sample_tells_its_factor_its_level_and_who_is_in_it(drawn: dict[Shown, Sample]) -> None:
    sample = drawn[VARIED[3]]
    assert (sample.details, sample.group) == ({"factor": "skin tone", "level": "6 darkest"}, "person 000")


def test_another_skin_changes_colour_and_not_shape(drawn: dict[Shown, Sample], folder: Path) -> None:
    light, dark = drawn[VARIED[2]], drawn[VARIED[3]]
    assert np.abs(_extent(_outline(folder, light)) - _extent(_outline(folder, dark))).max() <= 2
    inside = _outline(folder, light) & _outline(folder, dark)
    assert _pixels(folder, light)[inside].mean() > _pixels(folder, dark)[inside].mean() + 50


def test_dim_light_darkens_and_moves_nothing(drawn: dict[Shown, Sample], folder: Path) -> None:
    held, dim = drawn[VARIED[0]], drawn[VARIED[4]]
    inside = _outline(folder, held) & _outline(folder, dim)
    assert _pixels(folder, held)[inside].mean() > _pixels(folder, dim)[inside].mean() + 30


def test_a_turned_head_and_another_shape_have_another_outline(drawn: dict[Shown, Sample], folder: Path) -> None:
    held = _outline(folder, drawn[VARIED[0]])
    for other in (VARIED[5], VARIED[6]):
        assert _differ(held, _outline(folder, drawn[other])) > 0.005


def test_a_picture_that_is_there_is_not_drawn_again(drawn: dict[Shown, Sample], rig_file: Path, folder: Path) -> None:
    file = folder / drawn[VARIED[0]].image
    file.write_bytes(b"there")
    (again,) = audit.drawn(rig_file, folder, [VARIED[0]])
    assert again == drawn[VARIED[0]] and file.read_bytes() == b"there"


def test_a_folder_of_other_faces_is_refused(rig_file: Path, tmp_path: Path) -> None:
    (tmp_path / audit.AUDIT).write_text("{}")
    with pytest.raises(InputError, match="give an empty folder"):
        audit.make(rig_file, tmp_path, people=1)
