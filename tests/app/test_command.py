"""`facevlm app`: what it refuses before anything is loaded."""

from __future__ import annotations

import importlib
import socket
from importlib.util import find_spec
from pathlib import Path

import pytest

from facevlm.cli import main


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


def test_what_is_not_installed_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    command = importlib.import_module("facevlm.cli.app")  # the name in `facevlm.cli` is that of all commands
    monkeypatch.setattr(command, "find_spec", lambda name: None if name == "streamlit" else find_spec(name))
    assert main(["app"]) == 3
    assert "facevlm[app]" in capsys.readouterr().err
