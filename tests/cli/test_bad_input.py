"""What a user sees of bad input: one line naming the thing and the remedy, the exit status, the others still done."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Endpoint, Outcome

Run = Callable[..., Outcome]


def _vast_png(file: Path) -> None:
    """A PNG whose header alone says 20,000×20,000."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"\0" * 60_000)
    chunks = (struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)) for body in (header, data))
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


def _truncated(file: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)).save(file)
    file.write_bytes(file.read_bytes()[:4000])


BAD: dict[str, Callable[[Path], object]] = {
    "empty.jpg": lambda file: file.touch(),
    "text.jpg": lambda file: file.write_text("not a picture"),
    "cut.jpg": _truncated,
    "dot.png": lambda file: Image.new("RGB", (1, 1)).save(file),
    "vast.png": _vast_png,
    "folder": lambda file: file.mkdir(),
    "missing.jpg": lambda file: None,
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_image_is_one_line_with_its_name_and_status_2(
    facevlm: Run, endpoint: Endpoint, tmp_path: Path, name: str
) -> None:
    BAD[name](tmp_path / name)
    done = facevlm("analyze", tmp_path / name, "--out", tmp_path / "reports", *endpoint.options)
    assert (done.status, done.out, len(done.complaints)) == (2, "", 1)
    assert done.err.startswith(f"facevlm: {tmp_path / name}: ") and ";" in done.err
    assert list((tmp_path / "reports").iterdir()) == []


def test_the_other_images_are_still_done(facevlm: Run, endpoint: Endpoint, astronaut: Path, tmp_path: Path) -> None:
    for name, spoil in BAD.items():
        spoil(tmp_path / name)
    bad = [tmp_path / name for name in BAD]
    done = facevlm("analyze", *bad[:3], astronaut, *bad[3:], "--format", "jsonl", *endpoint.options)
    assert done.status == 2
    assert len(done.complaints) == len(BAD)
    assert [json.loads(line)["image"]["source"] for line in done.out.splitlines()] == [str(astronaut)]


def test_a_file_that_may_not_be_read_is_named(facevlm: Run, endpoint: Endpoint) -> None:
    done = facevlm("analyze", "/proc/self/mem", *endpoint.options)
    assert (done.status, len(done.complaints)) == (2, 1)


def test_an_animation_is_read_by_its_first_frame_and_said_so(
    facevlm: Run, endpoint: Endpoint, astronaut: Path, tmp_path: Path
) -> None:
    frame = Image.open(astronaut).convert("RGB")
    frame.save(tmp_path / "two.gif", save_all=True, append_images=[frame.transpose(Image.Transpose.ROTATE_180)])
    done = facevlm("analyze", tmp_path / "two.gif", "--format", "json", *endpoint.options)
    assert done.status == 0 and len(json.loads(done.out)["faces"]) == 1
    assert done.err == f"facevlm: {tmp_path / 'two.gif'}: first of 2 frames\n"


@pytest.mark.parametrize(
    "options",
    [
        ("--model", "gigantic"),
        ("--adapter", "unheard-of"),
        ("--prompt", "no-such-prompt"),
        ("--base-url", "localhost:8001"),
        ("--format", "xml"),
        ("--marks", "circles"),
        ("--threads", "0"),
        ("--timeout", "-1"),
        ("--nonsense",),
    ],
)
def test_a_wrong_option_is_one_line_with_its_value_and_status_2(
    facevlm: Run, nano: Path, astronaut: Path, options: tuple[str, ...]
) -> None:
    done = facevlm("analyze", astronaut, *options)
    assert (done.status, done.out, len(done.complaints)) == (2, "", 1)
    assert options[-1] in done.err


def test_a_wrong_variable_is_named(facevlm: Run, astronaut: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEVLM_MAX_PIXELS", "many")
    done = facevlm("analyze", astronaut)
    assert (done.status, len(done.complaints)) == (2, 1)
    assert "FACEVLM_MAX_PIXELS=many" in done.err


def test_a_key_that_is_not_set_is_a_missing_prerequisite(facevlm: Run, endpoint: Endpoint, astronaut: Path) -> None:
    done = facevlm("analyze", astronaut, *endpoint.options, "--api-key-env", "NO_SUCH_KEY")
    assert (done.status, len(done.complaints)) == (3, 1)
    assert "NO_SUCH_KEY" in done.err


@pytest.mark.parametrize("mood", ["failing", "web page", "slow", "inventing"])
def test_an_endpoint_that_fails_is_one_line_and_status_4(
    facevlm: Run, endpoint: Endpoint, astronaut: Path, tmp_path: Path, mood: str
) -> None:
    endpoint.mood = mood
    timeout = "1" if mood == "slow" else "30"
    done = facevlm("analyze", astronaut, "--timeout", timeout, "--format", "jsonl", *endpoint.options)
    assert (done.status, len(done.complaints)) == (4, 1)
    assert done.err.startswith(f"facevlm: {astronaut}: ")


def test_an_endpoint_that_is_down_is_one_line_and_status_4(facevlm: Run, endpoint: Endpoint, astronaut: Path) -> None:
    endpoint.shutdown()
    endpoint.server_close()
    done = facevlm("analyze", astronaut, *endpoint.options)
    assert (done.status, done.out, len(done.complaints)) == (4, "", 1)
    assert endpoint.url in done.err


def test_a_folder_that_cannot_be_made_is_said_before_anything_is_asked(
    facevlm: Run, endpoint: Endpoint, astronaut: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    done = facevlm("analyze", astronaut, "--out", tmp_path / "file", *endpoint.options)
    assert (done.status, len(done.complaints), endpoint.asked) == (2, 1, 0)


def test_an_empty_variable_counts_as_unset(
    facevlm: Run, endpoint: Endpoint, astronaut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FORMAT", "THREADS", "MAX_PIXELS", "ADAPTER"):
        monkeypatch.setenv(f"FACEVLM_{name}", "")
    assert facevlm("analyze", astronaut, *endpoint.options).status == 0
