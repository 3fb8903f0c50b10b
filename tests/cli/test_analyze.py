from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from facevlm.types import Analysis
from tests.cli.conftest import Endpoint, Outcome

Run = Callable[..., Outcome]


def test_one_image_as_json_is_one_analysis(facevlm: Run, endpoint: Endpoint, astronaut: Path) -> None:
    done = facevlm("analyze", astronaut, "--format", "json", *endpoint.options)
    face = Analysis.model_validate_json(done.out).faces[0]
    assert (done.status, done.err) == (0, "")
    assert face.explanation is not None and face.explanation.emotion == "happiness"
    assert face.checks[0].verdict == "supported"


def test_several_images_as_json_are_one_array(facevlm: Run, endpoint: Endpoint, astronaut: Path) -> None:
    done = facevlm("analyze", astronaut, astronaut, "--format", "json", *endpoint.options)
    assert [len(each["faces"]) for each in json.loads(done.out)] == [1, 1]


def test_json_lines_hold_one_analysis_each(facevlm: Run, endpoint: Endpoint, astronaut: Path) -> None:
    done = facevlm("analyze", astronaut, astronaut, "--format", "jsonl", *endpoint.options)
    assert [json.loads(line)["schema_version"] for line in done.out.splitlines()] == ["1", "1"]


def test_the_table_names_emotion_and_claims(facevlm: Run, endpoint: Endpoint, astronaut: Path) -> None:
    done = facevlm("analyze", astronaut, *endpoint.options)
    assert "happiness" in done.out and "AU12" in done.out and "faithfulness" in done.out


def test_markdown_holds_a_heading_for_each_face(facevlm: Run, endpoint: Endpoint, astronaut: Path) -> None:
    assert "## Face 1: happiness" in facevlm("analyze", astronaut, "--format", "markdown", *endpoint.options).out


def test_a_photograph_without_a_face_is_done_and_said_so(facevlm: Run, endpoint: Endpoint, empty_wall: Path) -> None:
    done = facevlm("analyze", empty_wall, "--format", "json", *endpoint.options)
    assert (done.status, json.loads(done.out)["faces"]) == (0, [])
    assert done.err == f"facevlm: {empty_wall}: no face found\n"


def test_out_writes_three_files_an_image_and_says_where(
    facevlm: Run, endpoint: Endpoint, astronaut: Path, tmp_path: Path
) -> None:
    done = facevlm("analyze", astronaut, "--out", tmp_path / "a" / "b", *endpoint.options)
    written = {path.name for path in (tmp_path / "a" / "b").iterdir()}
    assert written == {"astronaut.json", "astronaut.marked.png", "astronaut.html"}
    assert str(tmp_path / "a" / "b" / "astronaut.html") in done.err and "written" not in done.out


def test_every_option_has_its_variable(
    facevlm: Run, endpoint: Endpoint, astronaut: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"MODEL": "smiler", "BASE_URL": endpoint.url, "FORMAT": "json", "PROMPT": "sov-label", "OUT": str(tmp_path)}
    for name, value in (given | {"MARKS": "box", "TIMEOUT": "30", "THREADS": "1", "BATCH_SIZE": "2"}).items():
        monkeypatch.setenv(f"FACEVLM_{name}", value)
    made = Analysis.model_validate_json(facevlm("analyze", astronaut).out).provenance
    assert (made.model, made.marks, made.prompt.split("@")[0]) == ("smiler", "box", "sov-label")
    assert (tmp_path / "astronaut.json").is_file()


def test_an_option_wins_over_its_variable(
    facevlm: Run, endpoint: Endpoint, astronaut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEVLM_FORMAT", "table")
    assert facevlm("analyze", astronaut, "--format", "json", *endpoint.options).out.startswith("{")


def test_the_embedded_model_answers_unless_told_otherwise(facevlm: Run, astronaut: Path, nano: Path) -> None:
    done = facevlm("analyze", astronaut, "--format", "json")
    assert Analysis.model_validate_json(done.out).provenance.model == "nano"


def test_a_name_that_is_not_utf8_is_analysed_too(
    facevlm: Run, endpoint: Endpoint, astronaut: Path, tmp_path: Path
) -> None:
    odd = Path(f"{tmp_path}/gr\udcfcn.png")
    shutil.copy(astronaut, odd)
    done = facevlm("analyze", odd, "--format", "json", "--out", tmp_path, *endpoint.options)
    assert done.status == 0 and len(json.loads(done.out)["faces"]) == 1
