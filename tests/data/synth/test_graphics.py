"""What is said where faces cannot be rendered."""

from __future__ import annotations

import subprocess
import sys

import pytest

from facevlm.data.synth import graphics
from facevlm.data.synth.stage import Stage
from facevlm.errors import PrerequisiteError


def test_without_pyvista_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphics, "find_spec", lambda name: None)
    lack = graphics.lacking()
    assert lack and "pyvista" in lack.what and lack.fix == "pip install 'facevlm[synth]'"


@pytest.fixture
def without_egl(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyvista")
    monkeypatch.setattr(graphics, "LIBRARY", "libNoSuchEGL.so.1")


def test_without_egl_the_packages_are_named(without_egl: None) -> None:
    lack = graphics.lacking()
    assert lack and "libNoSuchEGL.so.1" in lack.what and lack.fix == "apt-get install libegl1 libgl1-mesa-dri"


def test_an_egl_without_a_driver_is_told(renders: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("__EGL_VENDOR_LIBRARY_DIRS", "/nowhere")
    lack = graphics.lacking()
    assert lack and "no driver" in lack.what and "libgl1-mesa-dri" in lack.fix


def test_asking_loads_no_driver_here(renders: None) -> None:
    code = "from facevlm.data.synth import graphics; graphics.lacking(); print(open('/proc/self/maps').read())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "libEGL" in done.stdout and "LLVM" not in done.stdout


def test_a_stage_says_so_rather_than_end_the_process(without_egl: None) -> None:
    with pytest.raises(PrerequisiteError, match=r"through EGL.*; apt-get install libegl1 libgl1-mesa-dri") as caught:
        Stage(64, 64)
    assert "\n" not in str(caught.value)
