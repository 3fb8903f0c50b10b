"""`facevlm match`, and `facevlm analyze --second-opinion`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from facevlm.matching.matching import Match
from facevlm.types import EMOTIONS, Analysis
from tests.cli.conftest import Endpoint, Outcome

Run = Callable[..., Outcome]


def test_the_json_holds_probabilities_of_the_labels_for_every_face(
    facevlm: Run, astronaut: Path, tiny_clip: Path
) -> None:
    done = facevlm("match", astronaut, "--labels", "a smile, anger", "--model", tiny_clip, "--format", "json")
    (face,) = json.loads(done.out)["faces"]
    assert (done.status, done.err) == (0, "")
    assert face["id"] == 1 and set(face["labels"]) == {"a smile", "anger"} and "alone" not in face
    assert sum(face["labels"].values()) == pytest.approx(1)


def test_the_labels_are_the_eight_emotions_unless_told_otherwise(
    facevlm: Run, astronaut: Path, tiny_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEVLM_MATCHER", str(tiny_clip))
    monkeypatch.setenv("FACEVLM_MODEL", "a model of another kind")
    found = Match.model_validate_json(facevlm("match", astronaut, "--format", "jsonl").out)
    assert tuple(found.faces[0].labels) == EMOTIONS


def test_each_label_is_judged_alone_when_asked(facevlm: Run, astronaut: Path, tiny_clip: Path) -> None:
    done = facevlm("match", astronaut, "--each", "--describe", "both", "--model", tiny_clip, "--format", "json")
    alone = json.loads(done.out)["faces"][0]["alone"]
    assert set(alone) == set(EMOTIONS) and all(0 < share < 1 for share in alone.values())


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_a_match_can_be_read_by_people(facevlm: Run, astronaut: Path, tiny_clip: Path, form: str) -> None:
    done = facevlm("match", astronaut, "--labels", "happiness,a frown", "--model", tiny_clip, "--format", form)
    assert "a frown" in done.out and "%" in done.out and "astronaut.png" in done.out


def test_a_photograph_without_a_face_is_done_and_said_so(facevlm: Run, empty_wall: Path, tiny_clip: Path) -> None:
    done = facevlm("match", empty_wall, "--model", tiny_clip, "--format", "json")
    assert (done.status, json.loads(done.out)["faces"]) == (0, [])
    assert done.err == f"facevlm: {empty_wall}: no face found\n"


def test_a_bad_image_loses_nothing_else(facevlm: Run, astronaut: Path, tiny_clip: Path, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    images = tmp_path / "text.jpg", astronaut, tmp_path / "missing.jpg"
    done = facevlm("match", *images, "--model", tiny_clip, "--format", "jsonl")
    assert [json.loads(line)["image"]["source"] for line in done.out.splitlines()] == [str(astronaut)]
    assert (done.status, len(done.complaints)) == (2, 2)
    assert all(str(image) in line for image, line in zip(images[::2], done.complaints, strict=True))


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--labels", ""), "no labels to choose among"),
        (("--labels", "anger,"), "an empty one"),
        (("--labels", "anger,Anger"), "the label 'anger' is there twice"),
        (("--labels", "Freude,Wut"), "was never shown the word 'Freude'"),
        (("--labels", "smilling,frown"), "did you mean smiling"),
        (("--describe", "words"), "--describe"),
        (("--checkpoint", "openai"), "leave --checkpoint out"),
    ],
)
def test_labels_and_options_that_cannot_be_asked_are_one_line_and_status_2(
    facevlm: Run, astronaut: Path, tiny_clip: Path, options: tuple[str, ...], complaint: str
) -> None:
    done = facevlm("match", astronaut, "--model", tiny_clip, *options)
    assert (done.status, done.out, len(done.complaints)) == (2, "", 1)
    assert complaint in done.err


def test_a_matcher_that_is_unknown_is_told_with_its_neighbours(facevlm: Run, astronaut: Path) -> None:
    done = facevlm("match", astronaut, "--model", "ViT-B-3")
    assert (done.status, len(done.complaints)) == (2, 1) and "ViT-B-32" in done.err


def test_a_second_opinion_is_added_to_every_face(
    facevlm: Run, endpoint: Endpoint, astronaut: Path, tiny_clip: Path
) -> None:
    more = "--second-opinion", "--matcher", tiny_clip, "--format", "json"
    (face,) = Analysis.model_validate_json(facevlm("analyze", astronaut, *more, *endpoint.options).out).faces
    assert face.second_opinion is not None and face.second_opinion.together is not None
    assert face.second_opinion.matcher.startswith("tiny-clip@")


def test_a_matcher_that_cannot_be_had_ends_before_any_model_is_asked(
    facevlm: Run, endpoint: Endpoint, astronaut: Path
) -> None:
    done = facevlm("analyze", astronaut, "--second-opinion", "--matcher", "nanoclip", *endpoint.options)
    assert (done.status, done.out, endpoint.asked) == (2, "", 0) and "nano-clip" in done.err
