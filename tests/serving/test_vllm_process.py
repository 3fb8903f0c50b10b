"""A server is waited for, started again when it dies, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from facevlm.errors import InputError, ModelError
from facevlm.serving import vllm, vllm_process
from facevlm.serving.vllm_process import VLLMProcess, last_lines
from tests.serving import vllm_stub

PATIENCE = 60.0


@pytest.fixture
def process(tmp_path: Path) -> Iterator[VLLMProcess]:
    server = vllm.describe("nano", python=vllm_stub.environment(tmp_path))
    made = VLLMProcess(server, tmp_path / "log", patience=PATIENCE)
    yield made
    made.stop()


def eventually(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def gone(pid: int) -> bool:
    """Whether a process has ended; one whose end its parent has yet to note counts."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_it_is_ready_when_it_answers_and_is_warm(tmp_path: Path) -> None:
    server = vllm.describe("nano", python=vllm_stub.environment(tmp_path))
    seen: list[bool] = []
    process = VLLMProcess(server, tmp_path / "log", lambda: seen.append(process.ready))
    try:
        process.start()
        assert (process.ready, seen) == (True, [False])
    finally:
        process.stop()


def test_the_last_line_of_its_log_is_told_while_it_starts(process: VLLMProcess) -> None:
    told: list[str] = []
    process.start(lambda seconds, line: told.append(line))
    assert set(told) <= {"", "Route: /health", *last_lines(process.log, 1)} and told


def test_stopping_ends_it_and_its_engine(process: VLLMProcess) -> None:
    process.start()
    eventually(lambda: "engine" in process.log.read_text())
    pid, engine = process.pid, vllm_stub.engine(process.log)
    process.stop()
    assert pid is not None
    eventually(lambda: gone(pid) and gone(engine))
    assert not process.ready


def test_a_server_that_was_killed_is_started_again_without_its_old_engine(process: VLLMProcess) -> None:
    process.start()
    pid, engine = process.pid, vllm_stub.engine(process.log)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: process.restarts == 1 and process.ready)
    assert process.pid != pid
    assert gone(engine)


def test_a_server_that_hangs_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_PROBE_EVERY", "_PROBE_SECONDS"):
        monkeypatch.setattr(vllm_process, name, 0.2)
    server = vllm.describe("nano", python=vllm_stub.environment(tmp_path))
    process = VLLMProcess(server, tmp_path / "log", patience=PATIENCE, hung_after=0.5)
    try:
        process.start()
        pid = process.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)  # its port stays open
        eventually(lambda: process.restarts == 1 and process.ready)
        assert process.pid != pid and gone(pid)
    finally:
        process.stop()


def test_a_server_that_ends_before_it_is_ready_is_an_error_that_names_its_log(tmp_path: Path) -> None:
    server = vllm.describe("nano", python=vllm_stub.environment(tmp_path, broken=True))
    process = VLLMProcess(server, tmp_path / "log")
    with pytest.raises(ModelError, match=f"status 7 before it was ready; see {tmp_path / 'log'}"):
        process.start()
    assert last_lines(process.log, 1) == ["ValueError: no such weights"]


def test_a_server_that_answers_badly_is_stopped(tmp_path: Path) -> None:
    def fail() -> None:
        raise ModelError("answers nonsense")

    server = vllm.describe("nano", python=vllm_stub.environment(tmp_path))
    process = VLLMProcess(server, tmp_path / "log", fail)
    with pytest.raises(ModelError, match="answers nonsense"):
        process.start()
    assert process.pid is not None and gone(process.pid)


def test_a_server_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    server = vllm.describe("nano", python=vllm_stub.environment(tmp_path))
    process = VLLMProcess(server.model_copy(update={"port": 1}), tmp_path / "log", patience=0)
    with pytest.raises(ModelError, match="not ready within 0 s"):
        process.start()
    assert process.pid is not None and gone(process.pid)


def test_a_log_that_cannot_be_written_is_an_input_error(tmp_path: Path) -> None:
    server = vllm.describe("nano", python=vllm_stub.environment(tmp_path))
    with pytest.raises(InputError, match="--vllm-log"):
        VLLMProcess(server, tmp_path / "nowhere" / "log").start()
