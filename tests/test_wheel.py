"""The wheel, installed into an empty environment outside the checkout, does the main job."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
DEMO_MEMORY = 2.5e9  # bytes

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)
    return next(folder.glob("facevlm-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The `facevlm` command of an environment that holds the wheel and what it asks for."""
    environment = tmp_path_factory.mktemp("installed") / "env"
    python = environment / "bin" / "python"
    _uv("venv", "-q", "--python", sys.executable, str(environment))
    headless = "opencv-contrib-python-headless"
    _uv("pip", "install", "-q", "--python", str(python), "-c", "constraints.txt", str(wheel), headless)
    yield environment / "bin" / "facevlm"
    shutil.rmtree(environment)


def _uv(*words: str) -> None:
    """Run in the checkout, whose pyproject.toml says which OpenCV to take."""
    done = subprocess.run([".ci/uv", *words], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _run(command: list[str], folder: Path) -> tuple[int, str, str, int]:
    """Exit status, stdout, stderr and peak memory in bytes, with no setting from outside and no way to a hub."""
    nowhere = "http://127.0.0.1:9"
    outside = {"PATH": os.defpath, "HOME": str(folder), "HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere}
    # A process of its own waits, and tells the peak: what is begun from here counts this one's memory as its own.
    watched = [sys.executable, "-c", _WATCH, str(folder / "peak"), *command]
    done = subprocess.run(watched, cwd=folder, env=outside, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr, int((folder / "peak").read_text())


_WATCH = """
import pathlib, resource, subprocess, sys
status = subprocess.run(sys.argv[2:]).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
pathlib.Path(sys.argv[1]).write_text(str(peak))
sys.exit(status)
"""


def test_the_wheel_carries_code_knowledge_prompts_and_suites_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        "facs/units.yaml",
        "faces/mean_face.npy",
        "reasoning/report.html.jinja",
        "assets/prompts/scene/sov-cot.md",
    ):
        assert f"facevlm/{needed}" in names
    assert any(name.startswith("facevlm/assets/evals/") for name in names)
    assert not [name for name in names if not name.startswith("facevlm")]


def test_the_wheel_carries_the_embedded_model(wheel: Path, nano: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "facevlm/assets/adapters/nano-base/model.safetensors" in names
    assert "facevlm/assets/adapters/nano-facs/adapter_model.safetensors" in names


def test_the_installed_wheel_explains_the_demo_offline_within_its_memory(
    installed: Path, nano: Path, tmp_path: Path
) -> None:
    status, out, err, peak = _run([str(installed), "demo"], tmp_path)
    assert (status, err) == (0, "")
    assert "The report: facevlm-demo/astronaut.html" in out
    assert peak <= DEMO_MEMORY
    analysis = json.loads((tmp_path / "facevlm-demo" / "astronaut.json").read_text())
    assert len(analysis["faces"]) == 1 and analysis["faces"][0]["explanation"]["observations"]


def test_the_installed_wheel_finds_its_prompts_and_its_faces(installed: Path, tmp_path: Path) -> None:
    status, out, _, _ = _run([str(installed), "doctor", "--format", "json"], tmp_path)
    states = {finding["name"]: finding["state"] for finding in json.loads(out)}
    assert status in (0, 3)
    assert states["mediapipe"] == states["finding faces"] == "ok"
