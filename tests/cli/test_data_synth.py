"""`facevlm data synth`: what it prints, where, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from facevlm.data.sample import read_samples
from facevlm.data.synth import graphics
from tests.cli.conftest import Outcome
from tests.data.synth import made_rig

Run = Callable[..., Outcome]

RECIPE = "name: mine\ncount: 3\nsize: 64\nkinds: {random: 1}\n"


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_rig.write(tmp_path_factory.mktemp("rig") / "rig.npz")


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    file = tmp_path / "mine.yaml"
    file.write_text(RECIPE)
    return file


@pytest.fixture
def renders() -> None:
    if lack := graphics.lacking():
        pytest.skip(f"{lack.what}; {lack.fix}")


def test_a_data_set_is_made_and_stderr_says_where_to_look(
    facevlm: Run, renders: None, rig: Path, recipe: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = facevlm("data", "synth", out, "--rig", rig, "--recipe", recipe, "--workers", "1")
    assert done.status == 0
    assert done.out == f"{out / 'samples.jsonl'}\n"
    assert re.fullmatch(
        rf"facevlm: {out}: 3 pictures, 3 faces, \d+ pictures/s; look at {out / 'sheet.jpg'}\n", done.err
    )
    assert len(read_samples(out / "samples.jsonl")[0]) == 3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--rig", "nothing.npz"), "nothing.npz: no face model here"),
        ((), "Missing option '--rig'"),
        (("--rig", "{rig}", "--recipe", "portraits"), "portraits: no such recipe; use explain, faces, groups"),
        (("--rig", "{rig}", "--count", "0"), "--count"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_status_2(
    facevlm: Run, rig: Path, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    done = facevlm("data", "synth", tmp_path / "out", *(word.format(rig=rig) for word in words))
    assert (done.status, done.out, len(done.complaints)) == (2, "", 1)
    assert told in done.err and not (tmp_path / "out").exists()


def test_an_out_that_is_no_folder_is_one_line_and_status_2(
    facevlm: Run, rig: Path, recipe: Path, tmp_path: Path
) -> None:
    done = facevlm("data", "synth", recipe / "out", "--rig", rig, "--recipe", recipe)
    assert (done.status, len(done.complaints)) == (2, 1) and "cannot be written" in done.err


@pytest.mark.parametrize(("sign", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_run_that_is_cut_short_leaves_whole_lines_and_no_process(
    renders: None, rig: Path, recipe: Path, tmp_path: Path, sign: signal.Signals, status: int
) -> None:
    out = tmp_path / "out"
    words = ["data", "synth", out, "--rig", rig, "--recipe", recipe, "--workers", "1", "--count", "5000"]
    command = [sys.executable, "-m", "facevlm", *map(str, words)]
    run = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not _begun(out / "samples.jsonl"):
        assert run.poll() is None
        time.sleep(0.05)
    if sign == signal.SIGINT:
        os.killpg(run.pid, sign)  # as a terminal does
    else:
        run.send_signal(sign)
    _, said = run.communicate(timeout=120)
    assert (run.returncode, said) == (status, "facevlm: interrupted\n" if status == 130 else "")
    assert _ended(run.pid)
    samples, rejected = read_samples(out / "samples.jsonl")
    assert samples and rejected == []


def _begun(truth: Path) -> bool:
    return truth.is_file() and truth.stat().st_size > 0


def _ended(group: int) -> bool:
    """Whether all processes of the group have ended, within a while."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False
