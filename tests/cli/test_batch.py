"""`facevlm batch`: from a file of requests to a file of results."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.batch.conftest import asking, written
from tests.batch.served import talking
from tests.cli.conftest import Endpoint, Outcome

Run = Callable[..., Outcome]


def requests(folder: Path, *lines: dict[str, Any] | str) -> Path:
    file = folder / "in.jsonl"
    file.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return file


def test_pictures_are_explained_whatever_the_form(
    facevlm: Run, endpoint: Endpoint, astronaut: Path, empty_wall: Path, tmp_path: Path
) -> None:
    long = asking("long")
    long["body"]["messages"][0]["content"] = [{"type": "image_url", "image_url": {"url": str(astronaut)}}]
    short, wall = (
        {"custom_id": name, "image": str(file)} for name, file in (("short", astronaut), ("wall", empty_wall))
    )
    source = requests(tmp_path, short, long, wall)
    done = facevlm("batch", source, tmp_path / "out.jsonl", *endpoint.options)
    assert (done.status, done.out) == (0, "")
    assert "3 answered, 0 lines at fault, 0 failed by the model; 0 of them were there already" in done.err
    found = {
        name: line["response"]["body"]["facevlm"]["faces"] for name, line in written(tmp_path / "out.jsonl").items()
    }
    assert {name: len(faces) for name, faces in found.items()} == {"short": 1, "long": 1, "wall": 0}
    assert found["short"][0]["explanation"]["emotion"] == "happiness"
    told = written(tmp_path / "out.jsonl")["short"]["response"]["body"]["facevlm"]
    assert told["image"]["source"] == str(astronaut)


def test_lines_at_fault_end_with_2_and_the_others_are_answered(
    facevlm: Run, endpoint: Endpoint, empty_wall: Path, tmp_path: Path
) -> None:
    wall = {"custom_id": "wall", "image": empty_wall.name}
    source = requests(tmp_path, "{broken", wall, {"custom_id": "lost", "image": "none.png"}, wall)
    done = facevlm("batch", source, tmp_path / "out.jsonl", *endpoint.options)
    assert done.status == 2
    assert "1 answered, 2 lines at fault" in done.err
    assert "1 lines left out: their custom_id was there before, first on line 4" in done.err
    assert set(written(tmp_path / "out.jsonl")) == {"line-1", "wall", "lost"}


def test_a_model_that_fails_ends_with_4_until_it_is_asked_again(
    facevlm: Run, endpoint: Endpoint, astronaut: Path, tmp_path: Path
) -> None:
    command = "batch", requests(tmp_path, {"custom_id": "a", "image": str(astronaut)}), tmp_path / "out.jsonl"
    endpoint.mood = "web page"
    assert facevlm(*command, *endpoint.options).status == 4
    assert written(tmp_path / "out.jsonl")["a"]["response"]["status_code"] == 502
    endpoint.mood = "well"
    assert facevlm(*command, *endpoint.options).status == 4
    assert facevlm(*command, *endpoint.options, "--retry-errors").status == 0
    assert written(tmp_path / "out.jsonl")["a"]["response"]["status_code"] == 200


def test_a_line_cut_short_is_told_of_and_asked_again(
    facevlm: Run, endpoint: Endpoint, empty_wall: Path, tmp_path: Path
) -> None:
    source = requests(tmp_path, *({"custom_id": each, "image": empty_wall.name} for each in "ab"))
    out = tmp_path / "out.jsonl"
    facevlm("batch", source, out, *endpoint.options)
    out.write_bytes(out.read_bytes()[:-9])
    done = facevlm("batch", source, out, *endpoint.options)
    assert done.status == 0
    assert "the last line was cut short" in done.complaints[0]
    assert "2 answered" in done.err and "1 of them were there already" in done.err
    assert set(written(out)) == {"a", "b"}


def test_the_embedded_model_answers_in_this_process(facevlm: Run, nano: Path, astronaut: Path, tmp_path: Path) -> None:
    source = requests(tmp_path, *({"custom_id": each, "image": str(astronaut)} for each in "ab"))
    assert facevlm("batch", source, tmp_path / "out.jsonl", "--threads", "1").status == 0
    for line in written(tmp_path / "out.jsonl").values():
        assert line["response"]["body"]["facevlm"]["provenance"]["model"] == "nano"


def test_the_models_are_those_of_the_gateway(facevlm: Run, nano: Path, empty_wall: Path, tmp_path: Path) -> None:
    wall = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": str(empty_wall)}}]}]}
    names = "facevlm", "nano", "nano:none", "nobody"
    source = requests(tmp_path, *(asking(name) | {"body": wall | {"model": name}} for name in names))
    facevlm("batch", source, tmp_path / "out.jsonl", "--threads", "1")
    found = written(tmp_path / "out.jsonl")
    assert [found[name]["response"]["status_code"] for name in names] == [200, 200, 200, 404]
    adapters = [found[name]["response"]["body"]["facevlm"]["provenance"]["adapter"] for name in names[:3]]
    assert adapters == ["nano-facs", "nano-facs", None]


@pytest.mark.parametrize("wrong", [("--prompt", "nonsense"), ("--base-url", "http://127.0.0.1:9/v1")])
def test_what_is_wrong_with_every_line_is_told_once_and_is_no_result(
    facevlm: Run, endpoint: Endpoint, astronaut: Path, tmp_path: Path, wrong: tuple[str, str]
) -> None:
    source = requests(tmp_path, {"custom_id": "a", "image": str(astronaut)})
    done = facevlm("batch", source, tmp_path / "out.jsonl", *endpoint.options, *wrong)
    assert (done.status in (2, 4), len(done.complaints)) == (True, 1)
    assert wrong[1] in done.err
    assert written(tmp_path / "out.jsonl") == {}


def test_requests_and_results_cannot_be_one_file(facevlm: Run, endpoint: Endpoint, tmp_path: Path) -> None:
    source = requests(tmp_path, asking("a"))
    before = source.read_bytes()
    done = facevlm("batch", source, source, *endpoint.options)
    assert (done.status, len(done.complaints)) == (2, 1)
    assert source.read_bytes() == before


def test_a_pipe_is_refused_at_once_on_either_side(facevlm: Run, endpoint: Endpoint, tmp_path: Path) -> None:
    pipe, source = tmp_path / "pipe", requests(tmp_path, asking("a"))
    os.mkfifo(pipe)
    for words in ((pipe, tmp_path / "out.jsonl"), (source, pipe), (source, "/dev/full")):
        done = facevlm("batch", *words, *endpoint.options)
        assert (done.status, len(done.complaints)) == (2, 1)
        assert "no regular file" in done.err
    assert not (tmp_path / "out.jsonl").exists()


def test_of_an_empty_file_it_is_said_that_nothing_was_asked(facevlm: Run, endpoint: Endpoint, tmp_path: Path) -> None:
    done = facevlm("batch", requests(tmp_path), tmp_path / "out.jsonl", *endpoint.options)
    assert (done.status, len(done.complaints)) == (0, 1)
    assert "0 answered, 0 lines at fault" in done.err


def test_a_missing_input_is_an_error_and_makes_no_output(facevlm: Run, endpoint: Endpoint, tmp_path: Path) -> None:
    done = facevlm("batch", tmp_path / "none.jsonl", tmp_path / "out.jsonl", *endpoint.options)
    assert (done.status, len(done.complaints)) == (2, 1)
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.slow
def test_a_run_killed_at_20_moments_answers_every_request_once(tmp_path: Path) -> None:
    ids, in_flight = [f"id{number}" for number in range(1000)], 4
    source, out = requests(tmp_path, *map(asking, ids)), tmp_path / "out.jsonl"
    moments = random.Random(5)
    with talking() as talker:
        options = "--model", "talker", "--base-url", talker.url
        command = [sys.executable, "-m", "facevlm", "batch", str(source), str(out), *options]
        for _ in range(20):
            _kill([*command, "--in-flight", str(in_flight)], out, moments.uniform(0, 0.15))
        assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    found = written(out)
    assert set(found) == set(ids)
    assert {line["response"]["status_code"] for line in found.values()} == {200}
    assert talker.asked.total() <= len(ids) + 20 * in_flight  # none is asked again but those that a kill lost


def _kill(command: list[str], out: Path, after: float) -> None:
    """Start a run, and kill it some seconds after its first result."""
    before = _size(out)
    run = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while run.poll() is None and _size(out) <= before:
        time.sleep(0.005)
    time.sleep(after)
    assert run.poll() is None, "the run ended before it could be killed"
    run.kill()
    run.wait()


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
