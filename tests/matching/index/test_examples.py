from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from facevlm import FaceReasoner
from facevlm.errors import InputError
from facevlm.matching.index import Examples, Given, Index, Plan, build
from facevlm.matching.matcher import Matcher
from facevlm.reasoning.seeing import find
from facevlm.types import Conversation, Generation


class Smiler:
    """A model of whole photographs that keeps what it was asked."""

    name, adapter, asks, crop_size = "smiler", None, "scene", 64

    def __init__(self) -> None:
        self.asked: list[Conversation] = []

    def generate(self, conversations: Sequence[Conversation], **_: object) -> list[Generation]:
        self.asked += conversations
        face = {"id": 1, "context": "", "observations": [], "interpretation": "At rest.", "emotion": "neutral"}
        return [Generation(json.dumps({"faces": [face]})) for _ in conversations]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory, astronaut: Path) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    face = Image.open(astronaut).convert("RGB").crop((128, 0, 352, 224))
    for name, image in (("a", face), ("b", ImageOps.mirror(face)), ("c", face.resize((160, 224)))):
        image.save(folder / f"{name}.png")
    return folder


def indexed(matcher: Matcher, pictures: Path, out: Path, labels: tuple[str | None, ...]) -> Index:
    given = [Given(f"{name}.png", label) for name, label in zip("abc", labels, strict=True)]
    plan = Plan(matcher=matcher.name, fingerprint=matcher.fingerprint, source=str(pictures), labels="folder")
    build(matcher, plan, given, pictures.joinpath, out)
    return Index(out)


@pytest.fixture(scope="module")
def index(matcher: Matcher, pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Index:
    out = tmp_path_factory.mktemp("index") / "faces.index"
    return indexed(matcher, pictures, out, ("happiness", "contentment", None))


def test_a_photograph_is_no_example_of_itself_nor_is_a_face_without_a_label(
    index: Index, matcher: Matcher, pictures: Path
) -> None:
    (example,) = Examples(index, matcher, 5)(find(pictures / "a.png"))
    assert (example.source, example.label) == ("b.png", "contentment")


def test_no_more_examples_are_given_than_asked_for(index: Index, matcher: Matcher, pictures: Path) -> None:
    assert len(Examples(index, matcher, 1)(find(pictures / "c.png"))) == 1


def test_an_example_shows_the_face_and_little_else(index: Index, matcher: Matcher, pictures: Path) -> None:
    (example,) = Examples(index, matcher, 1)(find(pictures / "a.png"))
    assert 60 < example.image.width < 224 and 60 < example.image.height < 224


def test_the_model_is_shown_the_examples_and_the_analysis_says_so(
    index: Index, matcher: Matcher, pictures: Path
) -> None:
    model = Smiler()
    told = FaceReasoner(model, examples=Examples(index, matcher, 2)).analyze(pictures / "c.png")
    assert [turn.text for turn in model.asked[0].turns if turn.role == "assistant"] in (
        ["happiness", "contentment"],
        ["contentment", "happiness"],
    )
    assert "happiness (a.png)" in told.image.notes[0] and "+2×example@" in told.provenance.prompt


def test_without_examples_nothing_is_said_of_them(pictures: Path) -> None:
    told = FaceReasoner(Smiler()).analyze(pictures / "a.png")
    assert told.image.notes == () and "example" not in told.provenance.prompt


def test_a_model_that_is_asked_face_by_face_is_shown_none(index: Index, matcher: Matcher) -> None:
    model = Smiler()
    model.asks = "face"
    with pytest.raises(InputError, match="smiler: is asked face by face and was never shown examples"):
        FaceReasoner(model, examples=Examples(index, matcher, 2))


def test_an_index_without_labels_gives_no_examples(matcher: Matcher, pictures: Path, tmp_path: Path) -> None:
    unlabelled = indexed(matcher, pictures, tmp_path / "index", (None, None, None))
    with pytest.raises(InputError, match="has no labels to show as examples"):
        Examples(unlabelled, matcher, 1)


def test_a_picture_that_has_changed_since_is_no_example(matcher: Matcher, pictures: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(pictures, own)
    index = indexed(matcher, own, tmp_path / "index", ("happiness", None, None))
    shutil.copy(own / "b.png", own / "a.png")
    with pytest.raises(InputError, match=r"a\.png: has changed since"):
        Examples(index, matcher, 1)(find(own / "c.png"))
