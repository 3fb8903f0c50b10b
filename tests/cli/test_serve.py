"""`facevlm serve`: what it starts, what it refuses, and how it ends."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from facevlm.cli import serve
from tests.cli.conftest import Endpoint, Outcome
from tests.serving import vllm_stub
from tests.serving.test_vllm_process import eventually, gone

Run = Callable[..., Outcome]


@pytest.fixture
def vllm(tmp_path: Path) -> tuple[str | Path, ...]:
    return "--vllm", "nano", "--vllm-python", vllm_stub.environment(tmp_path), "--vllm-log", tmp_path / "vllm.log"


@contextmanager
def serving(folder: Path, *words: str | Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The command in a process of its own, and the URL it says."""
    with (folder / "said").open("wb") as said:
        command = [sys.executable, "-m", "facevlm", "serve", "--port", "0", *words]
        process = subprocess.Popen(command, stderr=said, stdout=subprocess.DEVNULL)
    try:
        for _ in range(1200):
            found = re.search(r"(http://\S+)/v1 serves", (folder / "said").read_text())
            if found or process.poll() is not None:
                break
            time.sleep(0.1)
        assert found, (folder / "said").read_text()
        yield process, found[1]
    finally:
        process.kill()
        process.wait()


def test_a_dry_run_prints_the_command_of_vllm_alone(facevlm: Run, vllm: tuple[str | Path, ...]) -> None:
    done = facevlm("serve", *vllm, "--dry-run")
    assert (done.status, done.err) == (0, "")
    words = shlex.split(done.out)
    assert {str(vllm[3]), "--enable-lora", "nano-base"} <= set(words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--dry-run"], "give --vllm BASE with it"),
        (["--upstream", "http://localhost:1/v1", "--vllm", "nano"], "give one of them"),
        (["--vllm", "nano", "--model", "nano"], "leave it out"),
        (["--adapter", "a", "--adapter", "b"], "several are served with --vllm"),
        (["--host", "0.0.0.0"], "set FACEVLM_API_KEYS"),
        (["--allow-domain", "not a domain"], "is not a domain"),
        (["--queue", "-1"], "--queue"),
        (["--model", "nobody"], "nobody: unknown model"),
        (["--upstream", "localhost:1", "--model", "m"], "not an endpoint's URL"),
    ],
)
def test_each_bad_argument_is_one_line(facevlm: Run, words: list[str], said: str) -> None:
    done = facevlm("serve", "--port", "0", *words)
    assert (done.status, len(done.complaints)) == (2, 1)
    assert said in done.err


def test_a_setting_of_the_environment_that_is_wrong_is_named(facevlm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEVLM_BODY_BYTES", "much")
    done = facevlm("serve")
    assert done.status == 2
    assert "FACEVLM_BODY_BYTES: " in done.complaints[0]


@pytest.mark.parametrize("port", ["tcp://10.0.0.1:8000", ""])
def test_what_kubernetes_sets_for_a_service_of_our_name_is_no_port(
    facevlm: Run, monkeypatch: pytest.MonkeyPatch, vllm: tuple[str | Path, ...], port: str
) -> None:
    monkeypatch.setenv("FACEVLM_PORT", port)
    assert facevlm("serve", *vllm, "--dry-run").status == 0


@pytest.mark.parametrize("port", ["http://localhost:8000", "65536", "-1", "8000.5"])
def test_a_port_that_is_none_is_told_with_its_value_and_the_remedy(
    facevlm: Run, monkeypatch: pytest.MonkeyPatch, port: str
) -> None:
    monkeypatch.setenv("FACEVLM_PORT", port)
    done = facevlm("serve")
    assert (done.status, len(done.complaints)) == (2, 1)
    assert f"«{port}» is no port; give 0 to 65535, or unset FACEVLM_PORT" in done.err


def test_a_key_that_is_wrong_is_not_repeated(facevlm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEVLM_API_KEYS", "se cret")
    done = facevlm("serve")
    assert done.status == 2
    assert "cret" not in done.err


def test_a_port_that_is_taken_is_told_before_anything_is_loaded(facevlm: Run, vllm: tuple[str | Path, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = facevlm("serve", *vllm, "--port", str(port))
    assert done.status == 2
    assert f"127.0.0.1:{port}" in done.complaints[-1]
    assert not Path(vllm[5]).exists()


def test_missing_libraries_end_with_their_own_status(facevlm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "find_spec", lambda library: None)
    done = facevlm("serve")
    assert done.status == 3
    assert "pip install 'facevlm[serve]'" in done.complaints[0]


def test_an_environment_without_vllm_ends_with_3(facevlm: Run, tmp_path: Path) -> None:
    done = facevlm("serve", "--vllm", "nano", "--vllm-python", tmp_path / "python")
    assert done.status == 3
    assert "--vllm-python" in done.complaints[0]


def test_a_vllm_that_does_not_start_ends_with_4_and_its_last_words(facevlm: Run, tmp_path: Path) -> None:
    python = vllm_stub.environment(tmp_path, broken=True)
    done = facevlm("serve", "--port", "0", "--vllm", "nano", "--vllm-python", python, "--vllm-log", tmp_path / "log")
    assert done.status == 4
    assert "vllm: ValueError: no such weights" in done.complaints
    assert str(tmp_path / "log") in done.complaints[-1]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_well(tmp_path: Path, endpoint: Endpoint, ending: signal.Signals) -> None:
    with serving(tmp_path, "--upstream", endpoint.url, "--model", "smiler") as (process, url):
        assert httpx.get(f"{url}/healthz").status_code == 200
        process.send_signal(ending)
        assert process.wait(60) == 0
    assert (tmp_path / "said").read_text().endswith("facevlm: stopped\n")


def test_it_says_what_is_served_and_who_may_ask(tmp_path: Path, endpoint: Endpoint) -> None:
    with serving(tmp_path, "--upstream", endpoint.url, "--model", "smiler") as (_, url):
        said = (tmp_path / "said").read_text()
        named = {model["id"] for model in httpx.get(f"{url}/v1/models").json()["data"]}
    assert "smiler" in said and "smiler" in named
    assert "only programs of this machine" in said


def test_keys_are_counted_and_not_shown(tmp_path: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEVLM_API_KEYS", "first-key,second-key")
    with serving(tmp_path, "--upstream", endpoint.url, "--model", "smiler") as (_, url):
        assert httpx.get(f"{url}/v1/models").status_code == 401
        key = {"Authorization": "Bearer second-key"}
        assert httpx.get(f"{url}/v1/models", headers=key).status_code == 200
    said = (tmp_path / "said").read_text()
    assert "2 keys" in said and "first-key" not in said


def test_vllm_is_started_asked_and_stopped_with_it(tmp_path: Path, vllm: tuple[str | Path, ...]) -> None:
    with serving(tmp_path, *vllm) as (process, url):
        assert httpx.get(f"{url}/readyz").status_code == 200
        assert "nano-facs" in {model["id"] for model in httpx.get(f"{url}/v1/models").json()["data"]}
        engine = vllm_stub.engine(tmp_path / "vllm.log")
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(60) == 0
    eventually(lambda: gone(engine))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has ended")
def test_a_gateway_that_is_killed_leaves_no_vllm(tmp_path: Path, vllm: tuple[str | Path, ...]) -> None:
    with serving(tmp_path, *vllm) as (process, _):
        engine = vllm_stub.engine(tmp_path / "vllm.log")
        process.kill()
    eventually(lambda: gone(engine))
