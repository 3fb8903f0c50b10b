from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Outcome

Run = Callable[..., Outcome]


def test_demo_prints_a_table_and_where_the_report_is(
    facevlm: Run, nano: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = facevlm("demo")
    assert (done.status, done.err) == (0, "")
    assert "emotion" in done.out and "The report: facevlm-demo/astronaut.html" in done.out
    assert (tmp_path / "facevlm-demo" / "astronaut.html").is_file()


def test_demo_as_json_keeps_stdout_to_the_analysis(facevlm: Run, nano: Path, tmp_path: Path) -> None:
    done = facevlm("demo", "--format", "json", "--out", tmp_path)
    assert [face["id"] for face in json.loads(done.out)["faces"]] == [1]
    assert "astronaut.html" in done.err


def test_demo_uses_the_embedded_model_whatever_the_environment_says(
    facevlm: Run, nano: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEVLM_MODEL", "elsewhere")
    monkeypatch.setenv("FACEVLM_BASE_URL", "http://127.0.0.1:9/v1")
    done = facevlm("demo", "--format", "json", "--out", tmp_path)
    assert json.loads(done.out)["provenance"]["model"] == "nano"
