from __future__ import annotations

import json
from pathlib import Path

import pytest

from facevlm.cli.ending import end
from facevlm.cli.models import app


def test_the_card_is_written_and_what_it_lacks_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = {"base_model_name_or_path": "nano-base", "r": 8, "lora_alpha": 16}
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    assert end(app, ["card", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert said.out.strip() == str(tmp_path / "README.md")
    assert "not recorded: any figure (metrics.json)" in said.err
    assert (tmp_path / "README.md").read_text().startswith("---\nbase_model: nano-base\n")


def test_a_folder_without_a_model_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert end(app, ["card", str(tmp_path)]) == 2
    assert not (tmp_path / "README.md").exists()
    assert len(capsys.readouterr().err.splitlines()) == 1
