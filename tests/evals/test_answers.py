"""Answers are kept: what was asked is not asked again, and what was cut off is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import answers
import pytest
from answers import Asking, Pictures, Told
from PIL import Image

from facevlm import models
from facevlm.models import Model
from facevlm.prompting import Prompt
from facevlm.types import Conversation, Generation

ANSWER = (
    '{"observations":[],"interpretation":"nothing moves far from rest: neutral, all is at rest.","emotion":"neutral"}'
)


class Neutral:
    """A model that finds every face at rest, and counts them."""

    name, adapter, asks, crop_size = "neutral", None, "face", 64

    def __init__(self) -> None:
        self.asked = 0

    def generate(self, conversations: Sequence[Conversation], **_: object) -> list[Generation]:
        self.asked += len(conversations)
        return [Generation(ANSWER) for _ in conversations]


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Neutral:
    made = Neutral()
    monkeypatch.setattr(answers, "_loaded", lambda model, adapter: made)
    return made


@pytest.fixture
def pictures(astronaut: Path) -> Pictures:
    """Two portraits and a picture without a face."""
    sources = {"a": Image.open(astronaut), "b": Image.open(astronaut).rotate(5), "none": Image.new("RGB", (64, 64))}
    return Pictures("made", list(sources), sources.__getitem__)


def test_answers_come_in_the_order_of_the_pictures(model: Neutral, pictures: Pictures, tmp_path: Path) -> None:
    told = answers.tell(Asking("none"), pictures, tmp_path)
    assert [(each.id, each.found) for each in told] == [("a", 1), ("b", 1), ("none", 0)]
    assert told[0].face is not None
    assert told[0].face.explanation is not None
    assert told[0].face.explanation.emotion == "neutral"
    assert told[2].face is None


def test_a_second_run_asks_for_what_is_missing_alone(model: Neutral, pictures: Pictures, tmp_path: Path) -> None:
    first = answers.tell(Asking("none"), pictures.of(["b", "none"]), tmp_path)
    second = answers.tell(Asking("none"), pictures, tmp_path)
    assert model.asked == 2
    assert second[1:] == first


def test_a_line_cut_off_is_asked_for_again(model: Neutral, pictures: Pictures, tmp_path: Path) -> None:
    whole = answers.tell(Asking("none"), pictures, tmp_path)
    (file,) = (tmp_path / "answers").iterdir()
    lines = file.read_text().splitlines(keepends=True)
    file.write_text(lines[0] + lines[2] + lines[1][:50])
    assert answers.tell(Asking("none"), pictures, tmp_path) == whole
    assert model.asked == 3
    assert all(json.loads(line) for line in file.read_text().splitlines())


@pytest.mark.parametrize("change", [{"prompt": "sov-label"}, {"marks": "plain"}, {"told": "withheld"}])
def test_another_way_of_asking_is_another_file(change: dict[str, str]) -> None:
    assert Asking("none", **change).digest() != Asking("none").digest()


def test_other_weights_of_the_same_name_are_another_file(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    weights = tmp_path / "adapter_model.safetensors"
    digests = set()
    for content in (b"one", b"two"):
        weights.write_bytes(content)
        digests.add(Asking(str(tmp_path)).digest())
    assert len(digests) == 2


def test_figures_beside_the_weights_are_not_what_answers_depend_on(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    before = Asking(str(tmp_path)).digest()
    (tmp_path / "metrics.json").write_text("[]")
    assert Asking(str(tmp_path)).digest() == before


def test_a_retelling_is_given_the_pictures_that_are_asked_about(
    model: Neutral, pictures: Pictures, tmp_path: Path
) -> None:
    seen: list[str] = []

    def retell(model: Model, prompt: Prompt, ids: Sequence[str]) -> Model:
        seen.extend([prompt.name, *ids])
        return model

    answers.tell(Asking("none"), pictures.of(["a"]), tmp_path, retell)
    answers.tell(Asking("none"), pictures, tmp_path, retell)
    assert seen == ["sov-cot", "a", "sov-cot", "b", "none"]


def test_ferplus_validation_has_the_faces_with_a_strict_majority(data_folder: Path) -> None:
    pictures, labels = answers.ferplus_validation(data_folder)
    assert len(pictures.ids) == 6
    assert labels["fer0000001.png"] == 0
    assert pictures.open("fer0000001.png").size == (48, 48)


def test_a_row_reads_back_as_it_was(model: Neutral, pictures: Pictures, tmp_path: Path) -> None:
    (told,) = answers.tell(Asking("none"), pictures.of(["a"]), tmp_path)
    assert Told.model_validate_json(told.model_dump_json()) == told


def test_the_suite_is_read_with_its_truth(work_folder: Path) -> None:
    pictures, samples = answers.synthetic_suite(work_folder, Path("no-rig.npz"))
    assert pictures.name == "synthetic-aus"
    assert Path(pictures.open("000000")).is_file()
    assert samples["000000"].details["moves"]["12"] == [0.9, 0.9]


def test_an_adapter_that_does_not_exist_is_said_by_name(nano: Path, pictures: Pictures, tmp_path: Path) -> None:
    answers._loaded.cache_clear()
    with pytest.raises(models.registry.InputError, match="nowhere: unknown adapter"):
        answers.tell(Asking("nowhere"), pictures, tmp_path)
