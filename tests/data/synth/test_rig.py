"""The face model: what is read of the archive, and what is said of a wrong one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from facevlm.data.synth import rig as rigs
from facevlm.data.synth import shapes
from facevlm.data.synth.rig import Rig
from facevlm.errors import InputError
from tests.data.synth import made_rig

Arrays = dict[str, np.ndarray]


def test_vertices_beyond_the_eyeballs_are_left_out_with_their_triangles(tmp_path: Path) -> None:
    more = made_rig.arrays()
    for name in ("neutral", "expression_deltas", "identity_deltas"):
        more[name] = np.concatenate([more[name], more[name][..., :2, :]], axis=-2)
    more["triangles"] = np.concatenate([more["triangles"], [[0, 1, rigs.VERTICES]]])
    np.savez(tmp_path / "rig.npz", **more)
    rig = rigs.load(tmp_path / "rig.npz")
    assert len(rig.neutral) == rigs.VERTICES and rig.identities.shape[1] == rigs.VERTICES
    assert len(rig.triangles) == len(more["triangles"]) - 1


def test_every_shape_of_the_table_is_in_the_rig(rig: Rig) -> None:
    assert shapes.missing(rig.expressions) == []


def test_a_shape_with_one_side_only_is_missing(rig: Rig) -> None:
    assert shapes.missing(set(rig.expressions) - {"mouthSmile_L", "jawOpen"}) == ["jawOpen", "mouthSmile"]


def _text(file: Path) -> None:
    file.write_text("not an archive")


def _one_array(file: Path) -> None:
    with file.open("wb") as opened:
        np.save(opened, np.zeros(3))


def _cut(file: Path) -> None:
    np.savez(file, neutral=np.zeros(3))
    file.write_bytes(file.read_bytes()[:-30])


def _garbled(file: Path) -> None:
    np.savez_compressed(file, **{name: np.arange(999) for name in made_rig.arrays()})
    content = bytearray(file.read_bytes())
    content[200:400] = b"\xff" * 200
    file.write_bytes(content)


def _without_triangles(file: Path) -> None:
    content = made_rig.arrays()
    del content["triangles"]
    np.savez(file, **content)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda file: None, "no face model here"),
        (_text, "not an archive of arrays"),
        (_one_array, "not an archive of arrays"),
        (_cut, "not an archive of arrays"),
        (_garbled, "cannot be read as an archive of arrays"),
        (_without_triangles, "lacks triangles"),
    ],
)
def test_what_is_no_rig_is_told_with_its_name_and_the_remedy(
    tmp_path: Path, spoil: Callable[[Path], None], told: str
) -> None:
    file = tmp_path / "rig.npz"
    spoil(file)
    with pytest.raises(InputError) as caught:
        rigs.load(file)
    assert str(caught.value).startswith(f"{file}: ") and told in str(caught.value)
    assert "github.com/ICT-VGL/ICT-FaceKit" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("neutral", lambda array: array[:-1]),
        ("neutral", lambda array: array[0]),
        ("triangles", lambda array: array.ravel()),
        ("expression_names", lambda array: array[1:]),
        ("expression_deltas", lambda array: array[:, :, :2]),
        ("identity_deltas", lambda array: array[:, 1:]),
        ("landmark68", lambda array: array[:51]),
        ("landmark68", lambda array: array + rigs.VERTICES),
    ],
)
def test_arrays_that_do_not_fit_each_other_are_refused(
    tmp_path: Path, name: str, change: Callable[[np.ndarray], np.ndarray]
) -> None:
    content = made_rig.arrays()
    np.savez(tmp_path / "rig.npz", **content | {name: change(content[name])})
    with pytest.raises(InputError, match=r"rig\.npz: its arrays do not fit each other"):
        rigs.load(tmp_path / "rig.npz")


def test_a_rig_without_a_shape_that_is_needed_names_it(tmp_path: Path) -> None:
    content = made_rig.arrays()
    renamed = np.array(["jawAjar" if name == "jawOpen" else name for name in content["expression_names"]])
    np.savez(tmp_path / "rig.npz", **content | {"expression_names": renamed})
    with pytest.raises(InputError, match=r"rig\.npz: the face model has no shape jawOpen;"):
        rigs.load(tmp_path / "rig.npz")
