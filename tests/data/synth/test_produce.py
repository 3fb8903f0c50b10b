"""A data set on disk: one recipe, one result, however often the making of it was cut short."""

from __future__ import annotations

import errno
import multiprocessing
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from facevlm.data.sample import read_samples
from facevlm.data.synth import produce as production
from facevlm.data.synth.produce import RECIPE, SAMPLES, SHEET, produce
from facevlm.data.synth.recipe import Recipe
from facevlm.errors import InputError, PrerequisiteError

pytestmark = pytest.mark.usefixtures("renders")

COUNT = 6


def _recipe(count: int = COUNT, seed: int = 3) -> Recipe:
    shares = {"random": 1, "prototype": 1, "neutral": 1}
    return Recipe.model_validate({"name": "made", "count": count, "seed": seed, "size": 64, "kinds": shares})


def _content(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


@pytest.fixture(scope="module")
def whole(rig_file: Path, renders: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data set as two processes make it, uninterrupted."""
    out = tmp_path_factory.mktemp("whole")
    produce(_recipe(), rig_file, out, workers=2)
    return out


@pytest.fixture
def there(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, to be spoilt."""
    shutil.copytree(whole, tmp_path / "there")
    return tmp_path / "there"


def test_a_data_set_is_pictures_their_truth_the_recipe_and_a_sheet(whole: Path) -> None:
    pictures = [f"images/{index:06d}.jpg" for index in range(COUNT)]
    assert list(_content(whole)) == [*pictures, RECIPE, SAMPLES, SHEET]
    samples, rejected = read_samples(whole / SAMPLES)
    assert ([sample.image for sample in samples], rejected) == (pictures, [])
    assert {Image.open(whole / picture).size for picture in pictures} == {(64, 64)}
    assert Image.open(whole / SHEET).size == (8 * 160, 204)


def test_one_process_makes_the_same_to_the_byte_and_a_larger_count_goes_on(
    whole: Path, rig_file: Path, tmp_path: Path
) -> None:
    told: list[int] = []
    first = produce(_recipe(2), rig_file, tmp_path, workers=1, tick=told.append)
    assert (first, told) == ((0, 2, 2), [0, 1, 1])
    more = produce(_recipe(), rig_file, tmp_path, workers=1)
    assert (more.kept, more.faces) == (1, COUNT)
    assert _content(tmp_path) == _content(whole)


def test_what_was_half_told_is_made_again_to_the_byte(whole: Path, there: Path, rig_file: Path) -> None:
    truth, last = there / SAMPLES, there / "images" / f"{COUNT - 1:06d}.jpg"
    truth.write_bytes(truth.read_bytes()[:-40])
    last.unlink()
    done = produce(_recipe(), rig_file, there, workers=1)
    assert done == (COUNT - 2, 2, COUNT)
    assert _content(there) == _content(whole)


def _garble_a_line(folder: Path) -> None:
    lines = (folder / SAMPLES).read_bytes().splitlines(keepends=True)
    (folder / SAMPLES).write_bytes(b"".join([*lines[:3], b"\0" * 80 + b"\n", *lines[4:]]))


@pytest.mark.parametrize(
    ("spoil", "kept"),
    [
        (lambda folder: None, COUNT - 1),  # the last may lack faces
        (lambda folder: (folder / "images" / "000002.jpg").unlink(), 1),
        (_garble_a_line, 2),
        (lambda folder: (folder / SAMPLES).unlink(), 0),
    ],
)
def test_a_run_goes_on_from_what_is_lost(
    there: Path, rig_file: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path], None], kept: int
) -> None:
    asked: list[range] = []
    monkeypatch.setattr(production, "drawn", lambda job, indices, workers: asked.append(indices) or [])
    monkeypatch.setattr(production, "contact_sheet", lambda folder, file: None)
    spoil(there)
    before = (there / SAMPLES).read_bytes().splitlines() if kept else []
    assert produce(_recipe(), rig_file, there).kept == kept
    assert asked == [range(kept, COUNT)]
    assert (there / SAMPLES).read_bytes().splitlines() == before[:kept]


def test_an_interrupt_leaves_what_is_whole_and_no_process(whole: Path, rig_file: Path, tmp_path: Path) -> None:
    others = set(multiprocessing.active_children())

    def interrupt(pictures: int) -> None:
        if pictures:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        produce(_recipe(), rig_file, tmp_path, workers=1, tick=interrupt)
    assert set(multiprocessing.active_children()) == others
    assert len(read_samples(tmp_path / SAMPLES)[0]) == 1
    assert not (tmp_path / SHEET).exists()
    wanted = _content(whole)
    assert all(wanted[name].startswith(content) for name, content in _content(tmp_path).items())


def test_a_process_that_dies_is_told_in_one_line(rig_file: Path, tmp_path: Path) -> None:
    others = set(multiprocessing.active_children())

    def kill(pictures: int) -> None:
        if pictures:
            for child in set(multiprocessing.active_children()) - others:
                child.kill()

    with pytest.raises(PrerequisiteError, match="a process that renders was ended") as caught:
        produce(_recipe(60), rig_file, tmp_path, workers=1, tick=kill)
    assert str(tmp_path) in str(caught.value) and "--workers" in str(caught.value) and "\n" not in str(caught.value)
    assert read_samples(tmp_path / SAMPLES)[1] == []


def test_a_full_disk_is_told_in_one_line(
    whole: Path, rig_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(production, "drawn", lambda job, indices, workers: [read_samples(whole / SAMPLES)[0]])
    (tmp_path / SAMPLES).symlink_to("/dev/full")
    with pytest.raises(InputError, match=os.strerror(errno.ENOSPC)) as caught:
        produce(_recipe(), rig_file, tmp_path, workers=1)
    assert str(caught.value).startswith(f"{tmp_path}: ") and "free space" in str(caught.value)


def test_pictures_that_find_no_room_are_told_too(rig_file: Path, tmp_path: Path) -> None:
    least, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, most))  # bytes of a file, of the processes that draw too
    try:
        with pytest.raises(InputError, match=os.strerror(errno.EFBIG)):
            produce(_recipe(), rig_file, tmp_path, workers=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (least, most))
    assert not list((tmp_path / "images").glob("*.jpg"))


def test_a_folder_that_cannot_be_made_is_told_in_one_line(rig_file: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        produce(_recipe(), rig_file, tmp_path / "file" / "out")


@pytest.fixture
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is refused is refused before a picture is drawn."""
    monkeypatch.setattr(production, "drawn", None)


@pytest.mark.usefixtures("no_process")
@pytest.mark.parametrize("other", [_recipe(seed=4), _recipe().model_copy(update={"yaw": (-5, 5)})])
def test_a_data_set_of_another_recipe_or_seed_is_left_alone(there: Path, rig_file: Path, other: Recipe) -> None:
    before = _content(there)
    with pytest.raises(InputError, match="holds a data set of another recipe or seed; give an empty folder"):
        produce(other, rig_file, there)
    assert _content(there) == before


@pytest.mark.usefixtures("no_process")
def test_a_smaller_count_is_refused_with_the_one_there(there: Path, rig_file: Path) -> None:
    with pytest.raises(InputError, match=f"is to hold {COUNT} pictures; give --count {COUNT} or more"):
        produce(_recipe(COUNT - 1), rig_file, there)


@pytest.mark.usefixtures("no_process")
def test_samples_that_were_not_made_here_are_left_alone(rig_file: Path, tmp_path: Path) -> None:
    (tmp_path / SAMPLES).write_text("mine\n")
    with pytest.raises(InputError, match=r"holds samples and no recipe\.json"):
        produce(_recipe(), rig_file, tmp_path)
    assert (tmp_path / SAMPLES).read_text() == "mine\n"


@pytest.mark.usefixtures("no_process")
def test_a_recipe_that_is_none_is_told_in_one_line(rig_file: Path, tmp_path: Path) -> None:
    (tmp_path / RECIPE).write_text("{}")
    with pytest.raises(InputError, match=r"recipe\.json: not the recipe of a data set"):
        produce(_recipe(), rig_file, tmp_path)


@pytest.mark.usefixtures("no_process")
def test_a_missing_rig_is_told_before_a_folder_is_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no face model here"):
        produce(_recipe(), tmp_path / "rig.npz", tmp_path / "out")
    assert not (tmp_path / "out").exists()
