"""`facevlm data cot`: from a file of samples to a file of rows to train on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from facevlm.data.cot import parse
from facevlm.data.sample import Sample, read_samples
from tests.cli.conftest import Outcome
from tests.served import Handler, Server, listening

Run = Callable[..., Outcome]

SMILE = {"6": {"present": True, "intensity": "C", "side": "both"}, "12": {"present": True, "intensity": "D"}}
CLASH = {"24": {"present": True}, "26": {"present": True}}


def rows(file: Path) -> list[Sample]:
    samples, rejected = read_samples(file)
    assert not rejected
    return samples


@pytest.fixture
def samples(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file of samples, each with its own fields."""

    def write(*given: dict[str, Any] | str) -> Path:
        base = {"source": "made", "image": "none.png", "emotion": "happiness", "aus": SMILE}
        made = [
            each if isinstance(each, str) else json.dumps(base | {"id": f"face{number}"} | each)
            for number, each in enumerate(given)
        ]
        file = tmp_path / "samples.jsonl"
        file.write_text("\n".join(made) + "\n")
        return file

    return write


class Writer(Server):
    """An OpenAI-compatible server of a model that rewords a text as told."""

    change: Callable[[str], str] = staticmethod(lambda text: text)

    @property
    def options(self) -> tuple[str, ...]:
        return "--rewrite", "--model", "writer", "--base-url", self.url


class _Handler(Handler):
    server: Writer

    def do_POST(self) -> None:
        text = self.asked()["messages"][0]["content"].partition("Observations:")[2].partition("Observations:")[2]
        message = {"role": "assistant", "content": self.server.change("Observations:" + text)}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        self.reply({"id": "1", "object": "chat.completion", "choices": [choice]})


@pytest.fixture
def writer() -> Iterator[Writer]:
    with listening(Writer(_Handler)) as server:
        yield server


def test_help_shows_examples(facevlm: Run) -> None:
    done = facevlm("data", "cot", "--help")
    assert done.status == 0
    assert "facevlm data cot" in done.out.split("Examples:")[1]


def test_every_face_gets_its_explanation(facevlm: Run, samples: Callable[..., Path], tmp_path: Path) -> None:
    done = facevlm("data", "cot", samples({}, {"emotion": "surprise"}), tmp_path / "out.jsonl")
    assert (done.status, done.out) == (0, "")
    assert [parse(row.text or "").emotion for row in rows(tmp_path / "out.jsonl")] == ["happiness", "surprise"]
    assert "2 rows written, 0 there already; 0 of 2 samples left out" in done.err


def test_the_short_form_questions_and_several_texts_can_be_asked_for(
    facevlm: Run, samples: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    facevlm("data", "cot", samples({}), out, "--form", "short", "--per-face", "2", "--questions", "3")
    assert [row.details["form"] for row in rows(out)] == ["short", "short", "question", "question", "question"]


def test_a_second_run_does_only_what_is_missing(facevlm: Run, samples: Callable[..., Path], tmp_path: Path) -> None:
    file, out = samples({}, {}, {}), tmp_path / "out.jsonl"
    facevlm("data", "cot", file, out)
    whole = out.read_bytes()
    out.write_bytes(whole[: len(whole) // 2])
    done = facevlm("data", "cot", file, out)
    assert sorted(out.read_text().splitlines()) == sorted(whole.decode().splitlines())
    assert "2 rows written, 1 there already" in done.err


def test_the_same_seed_makes_the_same_file(facevlm: Run, samples: Callable[..., Path], tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        facevlm("data", "cot", samples({}), tmp_path / name, "--seed", seed)
    one, again, other = ((tmp_path / name).read_bytes() for name in "abc")
    assert one == again != other


def test_bad_samples_are_told_of_and_the_others_done(
    facevlm: Run, samples: Callable[..., Path], tmp_path: Path
) -> None:
    file = samples({}, "{broken", {"aus": CLASH}, {"aus": None}, {})
    done = facevlm("data", "cot", file, tmp_path / "out.jsonl", "--aus", "truth")
    assert done.status == 0
    assert len(rows(tmp_path / "out.jsonl")) == 2
    assert "row 2" in done.complaints[0]
    assert "sample face2: AU 24 and AU 26 cannot be seen together" in done.complaints[1]
    assert "sample face3: has no action units" in done.complaints[2]
    assert "3 of 5 samples left out" in done.complaints[3]


def test_a_file_of_which_nothing_can_be_made_is_an_error(
    facevlm: Run, samples: Callable[..., Path], tmp_path: Path
) -> None:
    done = facevlm("data", "cot", samples({"aus": CLASH}), tmp_path / "out.jsonl")
    assert done.status == 2
    assert "no row could be made" in done.complaints[-1]


def test_a_missing_file_is_an_error(facevlm: Run, tmp_path: Path) -> None:
    done = facevlm("data", "cot", tmp_path / "none.jsonl", tmp_path / "out.jsonl")
    assert (done.status, len(done.complaints)) == (2, 1)
    assert "none.jsonl" in done.err


def test_what_a_data_set_does_not_code_is_measured_on_the_picture(
    facevlm: Run, samples: Callable[..., Path], tmp_path: Path, astronaut: Path, empty_wall: Path
) -> None:
    file = samples({"aus": None, "image": str(astronaut)}, {"aus": None, "image": str(empty_wall)})
    done = facevlm("data", "cot", file, tmp_path / "out.jsonl", "--form", "short")
    (row,) = rows(tmp_path / "out.jsonl")
    assert 12 in {claim["au"] for claim in row.details["claims"]}
    assert row.question and row.question.endswith("\nexplain") and ":" in row.question
    assert "sample face1" in done.err and "no face is found" in done.err


def test_faces_of_one_picture_are_compared(facevlm: Run, samples: Callable[..., Path], tmp_path: Path) -> None:
    boxes = ({"x": 0, "y": 0, "width": 9, "height": 9}, {"x": 20, "y": 0, "width": 30, "height": 30})
    file = samples(*({"box": box} for box in boxes))
    facevlm("data", "cot", file, tmp_path / "out.jsonl", "--per-face", "0", "--questions", "1")
    last = rows(tmp_path / "out.jsonl")[-1]
    assert last.details["kind"] == "compare"
    assert last.details["faces"] == {"1": "face1", "2": "face0"}


def test_a_rewrite_that_says_the_same_takes_the_place_of_the_text(
    facevlm: Run, samples: Callable[..., Path], tmp_path: Path, writer: Writer
) -> None:
    writer.change = lambda text: text.replace("Interpretation:", "**Interpretation:**")
    done = facevlm("data", "cot", samples({}, {}), tmp_path / "out.jsonl", *writer.options)
    assert all("**" in (row.text or "") and row.details["rewritten"] for row in rows(tmp_path / "out.jsonl"))
    assert "2 rewrites kept, 0 refused" in done.err


def test_a_rewrite_that_says_more_is_refused_and_the_text_kept(
    facevlm: Run, samples: Callable[..., Path], tmp_path: Path, writer: Writer
) -> None:
    writer.change = lambda text: text.replace("Interpretation:", "AU 25 is slight.\n\nInterpretation:")
    done = facevlm("data", "cot", samples({}, {}), tmp_path / "out.jsonl", *writer.options)
    assert not any("AU 25 is slight" in (row.text or "") for row in rows(tmp_path / "out.jsonl"))
    assert "0 rewrites kept, 2 refused: other action units 2" in done.err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--rewrite",), "--base-url"),
        (("--rewrite", "--form", "short"), "--form long"),
        (("--rewrite", "--model", "x", "--base-url", "nowhere"), "not an endpoint"),
    ],
)
def test_rewriting_needs_prose_and_an_endpoint(
    facevlm: Run, samples: Callable[..., Path], tmp_path: Path, options: tuple[str, ...], says: str
) -> None:
    done = facevlm("data", "cot", samples({}), tmp_path / "out.jsonl", *options)
    assert (done.status, len(done.complaints)) == (2, 1)
    assert says in done.err


def test_an_endpoint_that_is_not_there_ends_the_run_with_4(
    facevlm: Run, samples: Callable[..., Path], tmp_path: Path
) -> None:
    options = ("--rewrite", "--model", "x", "--base-url", "http://127.0.0.1:9/v1", "--timeout", "5")
    done = facevlm("data", "cot", samples({}), tmp_path / "out.jsonl", *options)
    assert done.status == 4
    assert "127.0.0.1:9" in done.complaints[-1]
