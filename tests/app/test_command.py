"""`facevlm app`: what it refuses before anything is loaded."""

from __future__ import annotations

import socket
from importlib.util import find_spec
from pathlib import Path

import pytest

from facevlm.cli import checks, main


def test_a_port_that_is_taken_is_said_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["app", "--no-browser", "--port", str(port), "--store", str(tmp_path / "talks.sqlite")]) == 2
    assert f"127.0.0.1:{port}" in capsys.readouterr().err


def test_a_store_that_cannot_be_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["app", "--no-browser", "--store", str(tmp_path / "file" / "talks.sqlite")]) == 2
    assert "--store" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["streamlit", "langgraph.checkpoint.sqlite"])
def test_what_is_not_installed_is_named(
    missing: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "find_spec", lambda name: None if name == missing else find_spec(name))
    assert main(["app"]) == 3
    assert f"{missing} not installed; pip install 'facevlm[app]'" in capsys.readouterr().err
