"""`facevlm models verify` against an endpoint that answers with the same model, faithfully or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from facevlm import faces
from facevlm.cli.ending import end
from facevlm.cli.models import app
from facevlm.cli.models.pictures import COUNT, made
from facevlm.models.local import LocalModel
from tests.cli.conftest import Outcome
from tests.models.served import Served, random_model, served

Run = Callable[..., Outcome]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base with random weights, and an adapter of it."""
    made = tmp_path_factory.mktemp("verify")
    random_model(made / "dice", made / "dice-facs")
    return made


@pytest.fixture(scope="module")
def local(folder: Path) -> LocalModel:
    return LocalModel(folder / "dice", folder / "dice-facs", name="dice", threads=1)


@pytest.fixture
def endpoint(local: LocalModel) -> Iterator[Served]:
    with served(local) as server:
        yield server


@pytest.fixture
def pictures(astronaut: Path, tmp_path: Path) -> Path:
    """A folder of two pictures, one of them with a face, and a file that is no picture's."""
    found = tmp_path / "pictures"
    found.mkdir()
    (found / "face.png").write_bytes(astronaut.read_bytes())
    Image.new("RGB", (200, 200), "grey").save(found / "wall.png")
    (found / "notes.txt").write_text("not asked about")
    return found


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str], folder: Path, endpoint: Served, pictures: Path) -> Run:
    """Verifies the adapter on the folder of pictures, eight tokens an answer."""

    def run(*words: str | Path) -> Outcome:
        options = ("--model", folder / "dice", "--base-url", endpoint.url, "--pictures", pictures, "--tokens", "8")
        status = end(app, [str(word) for word in ("verify", folder / "dice-facs", *options, "--threads", "1", *words)])
        said = capsys.readouterr()
        return Outcome(status, said.out, said.err)

    return run


def test_equal_answers_end_well_with_a_row_for_each_picture(verify: Run) -> None:
    done = verify()
    assert done.status == 0
    face, wall = (line for line in done.out.splitlines() if ".png" in line)
    assert "equal" in face and "8" in face
    assert "no face found" in wall
    assert "notes.txt" not in done.out
    assert "1 of 1 answers" in done.complaints[-1]


def test_any_difference_ends_with_4_and_shows_where(verify: Run, endpoint: Served) -> None:
    endpoint.spoil = lambda body: body["choices"][0]["token_ids"].pop()
    done = verify()
    assert done.status == 4
    assert "token 7 on" in done.out
    assert "1 of 1 answers differ" in done.complaints[-1]


def test_a_picture_that_cannot_be_read_is_told_and_the_others_are_compared(verify: Run, pictures: Path) -> None:
    (pictures / "broken.png").write_text("no picture")
    done = verify()
    assert done.status == 2
    assert "equal" in done.out
    assert "broken.png" in done.complaints[-1]


def test_pictures_without_a_face_compare_nothing(verify: Run, pictures: Path) -> None:
    (pictures / "face.png").unlink()
    done = verify()
    assert done.status == 2
    assert "nothing was compared" in done.err


@pytest.mark.parametrize(("name", "reason"), [("nowhere", "no such folder"), ("empty", "holds no picture")])
def test_a_folder_without_pictures_is_named(verify: Run, tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "empty").mkdir()
    done = verify("--pictures", tmp_path / name)
    assert done.status == 2
    assert name in done.complaints[-1] and reason in done.complaints[-1]


def test_an_id_that_is_not_served_ends_with_4_in_one_line(verify: Run) -> None:
    done = verify("--served-as", "another")
    assert (done.status, len(done.complaints)) == (4, 1)
    assert "serves dice-facs, not 'another'" in done.err


def test_an_endpoint_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert end(app, ["verify", "nano-facs"]) == 2
    assert "--base-url" in capsys.readouterr().err


def test_the_ten_pictures_that_are_made_show_one_face_each(astronaut: Path) -> None:
    photographs = made(astronaut)
    assert len(photographs) == COUNT
    for name, image in photographs.items():
        assert len(faces.find(faces.decode(image))) == 1, name


def test_the_pictures_are_always_the_same(astronaut: Path) -> None:
    once, again = made(astronaut), made(astronaut)
    assert all(once[name].tobytes() == again[name].tobytes() for name in once)


def test_listing_goes_on_without_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert end(app, ["--format", "jsonl"]) == 0
    assert '"name": "nano"' in capsys.readouterr().out


@pytest.mark.parametrize("command", ["verify", "card"])
def test_help_shows_examples(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert end(app, [command, "--help"]) == 0
    assert f"facevlm models {command}" in capsys.readouterr().out.split("Examples:")[1]
