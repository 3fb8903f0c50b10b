"""The command line as a whole: help, version, how commands end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from facevlm.cli import analyze
from tests.cli.conftest import Endpoint, Outcome

Run = Callable[..., Outcome]

COMMANDS = (
    ("demo",),
    ("analyze",),
    ("match",),
    ("index", "build"),
    ("index", "query"),
    ("chat",),
    ("app",),
    ("batch",),
    ("serve",),
    ("models",),
    ("models", "verify"),
    ("models", "card"),
    ("doctor",),
    ("data", "synth"),
    ("data", "cot"),
    ("data", "convert"),
    ("train", "base"),
    ("train", "sft"),
    ("train", "au"),
    ("train", "cues"),
    ("train", "grpo"),
    ("train", "rounds"),
    ("train", "clip"),
    ("eval", "list"),
    ("eval", "run"),
    ("eval", "score"),
    ("eval", "compare"),
    ("eval", "report"),
    ("eval", "fairness"),
    ("eval", "fairness-faces"),
)


def _shell(*words: str | Path, **settings: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "facevlm", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **settings)  # type: ignore[call-overload]


def test_help_is_instant() -> None:
    def once() -> float:
        started = time.perf_counter()
        assert _shell("--help").returncode == 0
        return time.perf_counter() - started

    assert min(once() for _ in range(5)) <= 0.7


def test_help_imports_nothing_heavy() -> None:
    heavy = "{'torch', 'transformers', 'mediapipe', 'cv2', 'openai', 'numpy', 'PIL', 'jinja2'}"
    code = f"import sys; from facevlm.cli import main; main(['--help']); sys.exit(str({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "set()"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_shows_examples(facevlm: Run, command: tuple[str, ...]) -> None:
    done = facevlm(*command, "--help")
    assert (done.status, done.err) == (0, "")
    assert f"facevlm {' '.join(command)}" in done.out.split("Examples:")[1]


def test_version_is_that_of_the_package(facevlm: Run) -> None:
    from facevlm import __version__

    assert facevlm("--version").out == f"facevlm {__version__}\n"


@pytest.mark.parametrize("words", [(), ("analyze",), ("explain",), ("--nonsense",), ("train", "nothing")])
def test_wrong_words_end_with_status_2_and_point_to_the_help(facevlm: Run, words: tuple[str, ...]) -> None:
    done = facevlm(*words)
    assert done.status == 2
    assert "--help" in done.err or "Usage:" in done.out
    assert len(done.complaints) <= 1


def test_an_unforeseen_failure_is_one_line_and_a_traceback_only_with_debug(
    facevlm: Run, endpoint: Endpoint, astronaut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(analyze, "explain")
    short, long = (facevlm("analyze", astronaut, *more, *endpoint.options) for more in ((), ("--debug",)))
    assert (short.status, len(short.complaints)) == (1, 1) and "--debug" in short.err
    assert long.status == 1 and "Traceback" in long.err


def test_an_interruption_ends_with_130(
    facevlm: Run, endpoint: Endpoint, astronaut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(analyze, "explain", interrupted)
    done = facevlm("analyze", astronaut, *endpoint.options)
    assert (done.status, done.err) == (130, "facevlm: interrupted\n")


def test_a_reader_that_goes_away_ends_the_command_quietly() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as gone:
        command = [sys.executable, "-m", "facevlm", "models"]
        done = subprocess.run(command, stdout=gone, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (141, "")


def test_stderr_stays_free_of_what_libraries_write(endpoint: Endpoint, astronaut: Path) -> None:
    done = _shell("analyze", astronaut, "--format", "json", *endpoint.options)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["faces"]


def test_models_lists_what_an_endpoint_serves(facevlm: Run, endpoint: Endpoint) -> None:
    done = facevlm("models", "--base-url", endpoint.url, "--format", "json")
    assert {"name": "smiler", "usable": True}.items() <= json.loads(done.out)[-1].items()


def test_models_says_why_an_endpoint_cannot_be_used(facevlm: Run) -> None:
    done = facevlm("models", "--base-url", "http://127.0.0.1:9/v1", "--format", "jsonl")
    last = json.loads(done.out.splitlines()[-1])
    assert done.status == 0 and not last["usable"] and "127.0.0.1:9" in last["why"]


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_models_can_be_read_by_people(facevlm: Run, endpoint: Endpoint, form: str) -> None:
    assert "smiler" in facevlm("models", "--base-url", endpoint.url, "--format", form).out
